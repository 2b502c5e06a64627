"""Training: catalogues with reference narrations to projector, position embedding and LoRA adapter. Knows no Ray.

examples.py          a video with features -> one sample per clip, of the pieces that narration reads
packing.py           ... or all clips of a video in one sequence, equal to the samples
samples.py           ... stored, one object per video
training_set.py      what is learnt, held out and left out
folder.py            where a training lies, and its name
order.py             samples in batches of like length, in an order that can be taken up anywhere
read_ahead.py        ... read while the model is at work
batches.py           ... as tensors, and their loss
schedule.py          the learning rate of every step
learner.py           what of a narrator is trained, in which precision, and how it is saved
workers.py           processes that train together
engine.py            who takes the steps: PyTorch alone
deepspeed_engine.py  ... or DeepSpeed, told by deepspeed.py
loop.py              step by step
validation.py        the loss on held-out videos
free_running.py      ... and what is narrated of them
trained_model.py     what was learnt, as a directory and a preset to narrate with
curves.py board.py   what a training says of itself, for later and meanwhile
"""
