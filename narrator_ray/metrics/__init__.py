"""How good narrations are. Every metric takes tokens, words or embeddings as they are; only two files know models.

table.py            METRICS: name, unit, direction and needs of every metric
captions.py         a text as the tokens that BLEU, CIDEr-D and METEOR compare
bleu.py             BLEU-1 to 4
cider.py            CIDEr-D
meteor.py           METEOR 1.5, in a Java process
emscore.py          EMScore, with and without reference
info_sim.py         InfoSim: closeness to the product's facts
info_diverse.py     InfoDiverse: facts told per second
repetition.py       words that a story tells again
word_length.py      lengths inside their windows
spoken_duration.py  narrations that can be spoken while their clip plays
script_labels.py    script labels that are right
agreement.py        raters that agree
words.py            words and their tags, Chinese and English
knowledge.py        a product as the points that InfoSim and InfoDiverse compare
sentence_model.py   text -> vectors
clip_model.py       text and frames -> vectors of one space

Two definitions, told apart in every report: ``released`` repeats what the paper's authors published, faults included;
``standard`` is what the metric means. A metric is made of statistics of one item, statistics of the corpus where it
needs them, and an aggregate of both: whatever the order and the batches, the numbers are the same. Knows no Ray.

This file itself loads nothing.
"""
