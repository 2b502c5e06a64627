"""How good the narrations of a run or of a file are, by the metrics asked for.

narrated_clips.py  a run, our table or the released output.json -> what was narrated
stories.py         ... beside the references of a catalogue
tools.py           taggers, tokenizer and models, each loaded when a metric first asks for it
judge.py           what a language model thinks of stories
judge_client.py    ... how it is asked
judge_prompts.py   ... and what
clip_frames.py     pictures of the clips of a story
sight.py           frames and texts as vectors of one space
text_vectors.py    texts as vectors, each embedded once
pictures.py        EMScore of stories
captions.py        BLEU, CIDEr-D and METEOR of stories
knowledge.py       InfoSim and InfoDiverse of stories
lengths.py         word-length accuracy and spoken-duration fit of stories
labels.py          script labels of stories
repetition.py      repetition in stories
scores.py          marks of items, values, and reasons why there are none
scorer.py          a family of metrics, in steps that many processes can take
facts.py           a narration -> which facts of its product it tells, contradicts and makes up
knowledge_budget.py  how much of what a story has room for it tells
storefront.py      a narration of a drawn film -> what it says rightly, wrongly and of its own invention
outside.py         a narration of what the storefront does not sell -> what leaks in from the storefront
truth.py           the storefront's truth about stories, and chance
run.py             all metrics asked for, one after another
summary.py         scores as JSON, Markdown and a table of items
resampling.py      bootstrap intervals and paired tests over stories
paper.py           the paper's results
comparison.py      several systems on the same stories
rating_sheet.py    a blind sheet for people, and its key
ratings.py         what people gave: means, geometric mean, agreement

What a metric is, ``narrator_ray.metrics`` knows. This file itself loads nothing.
"""
