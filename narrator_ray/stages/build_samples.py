"""Stage build_samples: stored features and references to what a narrator learns from, stored as one object per video.

A pool of a few actors, because a tokenizer takes seconds to load. What cannot be learnt from (no reference, too long)
is rejected like any other video.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pyarrow as pa

from narrator_ray import records
from narrator_ray.config import Config
from narrator_ray.cost import StageCost
from narrator_ray.model.presets import Preset, prepare_model
from narrator_ray.outputs.store import ResultStore
from narrator_ray.runs.work import Fingerprints, WorkItem
from narrator_ray.schema import PLANNED
from narrator_ray.stages.item import Row, StageRow, rows_of, table_of
from narrator_ray.stages.progress import ProgressReporter
from narrator_ray.training.samples import SampleStore, samples_key

BUILD_SAMPLES = "build_samples"
INPUT = PLANNED
OUTPUT = PLANNED


class BuildSamples:
    """One replica, with the model's tokenizer.

    Args:
        preset: Which model.
        store: Where features are, and samples go.
        config: What samples are made of.
        fingerprints: Of the model.
        board: Progress board.
    """

    def __init__(
        self, preset: Preset, store: ResultStore, config: Config, fingerprints: Fingerprints, board: Any
    ) -> None:
        from narrator_ray.model.language_model import context_length, load_tokenizer  # loads torch

        model = prepare_model(preset, config.storage)
        self._tokenizer = load_tokenizer(model.llm_path)
        self._most = min(config.training.max_tokens, context_length(model.llm_path))
        self._prompt = model.spec.prompt
        self._store = store
        self._samples = SampleStore(store.storage)
        self._config = config
        self._fingerprints = fingerprints
        self._tokens: dict[records.Language, Any] = {}
        self._progress = ProgressReporter(board, BUILD_SAMPLES)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Table of INPUT to table of OUTPUT."""
        return table_of((self._build_row(row) for row in rows_of(batch)), OUTPUT)

    def _build_row(self, row: StageRow) -> Row:
        if row.rejection is None:
            num_clips = row.run(BUILD_SAMPLES, partial(self._build, row.work))
            if num_clips is not None:
                row.charge(BUILD_SAMPLES, StageCost(num_clips=num_clips))
                self._progress.add_clips(num_clips)
            self._progress.finish(row)
        return row.output()

    def _build(self, work: WorkItem) -> int:
        """Store a video's samples; how many clips it has."""
        from narrator_ray.training.examples import example_of, sample_of
        from narrator_ray.training.packing import packs

        features = self._store.get_features(self._fingerprints.encoder, work.features_key)
        video = work.video.with_first_clips(len(features.clips))
        config, training = self._config, self._config.training
        tokens = self._tokens_in(video.language)
        example = example_of(video, features, tokens, config.model, config.length, self._most)
        if training.pack_videos:
            samples = packs(example, training.batch_tokens)
        else:
            samples = [sample_of(example, index) for index in range(len(example.clips))]
        self._samples.put(samples_key(work, config, self._fingerprints), samples)
        return len(example.clips)

    def _tokens_in(self, language: records.Language) -> Any:
        from narrator_ray.narration.prompt import prompt_form
        from narrator_ray.narration.story_tokens import StoryTokens

        if language not in self._tokens:
            form = prompt_form(self._prompt or language, self._config.model.use_storyline)
            self._tokens[language] = StoryTokens.of(self._tokenizer, form, language)
        return self._tokens[language]
