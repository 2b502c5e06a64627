"""Training: catalogues with reference narrations to projector, position embedding and LoRA adapter. Knows no Ray.

examples.py   a video with features -> one sample per clip, of the pieces that narration reads
packing.py    ... or all clips of a video in one sequence, equal to the samples
"""
