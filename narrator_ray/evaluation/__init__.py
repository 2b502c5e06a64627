"""How good the narrations of a run or of a file are, by the metrics asked for.

narrated_clips.py  a run, our table or the released output.json -> what was narrated
stories.py         ... beside the references of a catalogue
tools.py           taggers, tokenizer and models, each loaded when a metric first asks for it
captions.py        BLEU, CIDEr-D and METEOR of stories
knowledge.py       InfoSim and InfoDiverse of stories
lengths.py         word-length accuracy and spoken-duration fit of stories
labels.py          script labels of stories
repetition.py      repetition in stories
scores.py          values, items and reasons why there are none
storefront.py      a narration of a drawn film -> what it says rightly, wrongly and of its own invention
run.py             all metrics asked for, one after another
summary.py         scores as JSON, Markdown and a table of items

What a metric is, ``narrator_ray.metrics`` knows. This file itself loads nothing.
"""
