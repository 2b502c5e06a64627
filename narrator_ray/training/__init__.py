"""Training: catalogues with reference narrations to projector, position embedding and LoRA adapter. Knows no Ray.

examples.py   a video with features -> one sample per clip, of the pieces that narration reads
packing.py    ... or all clips of a video in one sequence, equal to the samples
order.py      ... in batches of like length, in an order that can be taken up anywhere
batches.py    ... as tensors, and their loss
schedule.py   the learning rate of every step
deepspeed.py  our settings -> DeepSpeed's
learner.py    what of a narrator is trained, in which precision, and how it is saved
loop.py       step by step
"""
