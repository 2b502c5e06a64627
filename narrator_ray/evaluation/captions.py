"""BLEU, CIDEr-D and METEOR of stories: candidates beside references, clip by clip."""

from __future__ import annotations

from collections.abc import Sequence

from narrator_ray.errors import MetricError
from narrator_ray.evaluation.scores import Score, mean_of
from narrator_ray.evaluation.stories import JudgedStory
from narrator_ray.evaluation.tools import Tools
from narrator_ray.metrics.bleu import bleu_counts, bleu_scores
from narrator_ray.metrics.captions import Tokens, released_tokens, standard_tokens
from narrator_ray.metrics.cider import ReferenceCorpus, cider_d
from narrator_ray.metrics.meteor import Meteor
from narrator_ray.metrics.table import Definition

Pairs = dict[str, tuple[Tokens, Tokens]]
"""Tokens of candidate and reference of every clip that is compared."""


def score_bleu(stories: Sequence[JudgedStory], definition: Definition, tools: Tools) -> list[Score]:
    """BLEU-1 to 4."""
    pairs, num_left_out = _pairs(stories, definition, tools)
    scores = bleu_scores([bleu_counts(*pair) for pair in pairs.values()])
    return [
        Score(f"bleu_{row + 1}", definition, float(total), dict(zip(pairs, single, strict=True)), num_left_out)
        for row, (total, single) in enumerate(zip(scores.corpus_B, scores.clips_BN.tolist(), strict=True))
    ]


def score_cider(stories: Sequence[JudgedStory], definition: Definition, tools: Tools) -> list[Score]:
    """CIDEr-D, 0 to 10."""
    pairs, num_left_out = _pairs(stories, definition, tools)
    corpus = ReferenceCorpus.count(reference for _, reference in pairs.values())
    items = {key: cider_d(*pair, corpus) for key, pair in pairs.items()}
    return [Score("cider_d", definition, mean_of("CIDEr-D", items), items, num_left_out)]


def score_meteor(stories: Sequence[JudgedStory], definition: Definition, tools: Tools) -> list[Score]:
    """METEOR 1.5."""
    pairs, num_left_out = _pairs(stories, definition, tools)
    with Meteor() as meteor:
        scores = meteor.scores([meteor.statistics(*pair) for pair in pairs.values()])
    items = dict(zip(pairs, scores.clips, strict=True))
    return [Score("meteor", definition, scores.corpus, items, num_left_out)]


def _pairs(stories: Sequence[JudgedStory], definition: Definition, tools: Tools) -> tuple[Pairs, int]:
    """What is compared, and how many clips with a reference are left out."""
    tokens = {
        clip.key: (_tokens(clip.narration, story, definition, tools), _tokens(clip.reference, story, definition, tools))
        for story in stories
        for clip in story.clips
        if clip.reference is not None
    }
    pairs = {key: (ours, theirs) for key, (ours, theirs) in tokens.items() if ours is not None and theirs is not None}
    if not pairs:
        raise MetricError("the references have no narrations that could be compared")
    return pairs, len(tokens) - len(pairs)


def _tokens(text: str | None, story: JudgedStory, definition: Definition, tools: Tools) -> Tokens | None:
    if definition == "released":
        return released_tokens(text or "", tools.encode)
    return standard_tokens(text or "", story.video.language)
