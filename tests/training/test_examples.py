"""Samples are what narration reads, with the loss where the model writes."""

import numpy as np
import pytest

from narrator_ray.config import DecodingSettings, ModelSettings
from narrator_ray.errors import NoReference, PromptTooLong
from narrator_ray.model.context import prepare_context
from narrator_ray.narration.engine import NarrationEngine
from narrator_ray.narration.job import ClipResult, NarrationJob
from narrator_ray.narration.length import windows_for
from narrator_ray.narration.prompt import END, PATCH, START
from narrator_ray.training.examples import IGNORED, sample_of
from tests.training.videos import REFERENCE, make_example, make_features, make_video


def supervised_text(tokenizer, sample) -> str:
    """What the loss counts, as text."""
    return tokenizer.decode(sample.labels[sample.labels != IGNORED])


def make_job(video, model: ModelSettings) -> NarrationJob:
    """What the narrating stage makes of a row, without a storyline."""
    contexts = prepare_context(make_features(video), model)
    windows = windows_for(video, video.clips, REFERENCE)
    return NarrationJob("job", video.product, video.language, video.clips, contexts, None, windows, seed=0)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "ablation",
    [
        {},
        {"use_storyline": False},
        {"use_position": False},
        {"use_compression": False},
        {"memory": "all"},
        {"memory": "none"},
    ],
)
def test_narration_reads_what_training_teaches(narrator, language, ablation):
    """An engine whose model predicts the sample reads exactly the sample, and writes the reference, in every form."""
    model, video = ModelSettings(**ablation), make_video(1, language=language)
    example = make_example(narrator.tokenizer, video, model)
    settings = DecodingSettings(repetition_penalty=1.0, no_repeat_tokens=0)
    engine = NarrationEngine(narrator, settings, has_labels=model.use_storyline)
    asking, read, results, answer = engine.story(make_job(video, model)).write(), [], [], None
    while len(results) < len(video.clips):
        event = asking.send(answer)
        if isinstance(event, ClipResult):
            sample = sample_of(example, event.clip_index)
            assert read == sample.input_ids[: len(read)].tolist()
            assert len(read) > len(sample.input_ids) - sample.num_supervised
            results.append(event)
            answer = None
            continue
        sample = sample_of(example, len(results))
        read = read[: event.keep] + list(event.ids)
        answer = np.zeros((len(event.score_at), narrator.llm.config.vocab_size), np.float32)
        for scores_V, place in zip(answer, event.score_at, strict=True):
            after = len(read) - len(event.ids) + place % len(event.ids) + 1
            scores_V[sample.input_ids[after]] = 50
        if event.visual is not None:
            np.testing.assert_array_equal(event.visual, narrator.embed_visual(*visual_of(sample)))
    assert tuple(result.text for result in results) == video.narrations
    if model.use_storyline:
        assert tuple(result.script_labels for result in results) == video.storyline


def visual_of(sample):
    """Tokens and position of a sample's scene."""
    from narrator_ray.model.narrator import as_tensor

    return as_tensor(sample.contexts[0].tokens_ND), sample.contexts[0].position


def test_the_loss_counts_label_and_narration(narrator):
    """Nothing before them, and the line break after them."""
    example = make_example(narrator.tokenizer, make_video(1, language="zh"))
    sample = sample_of(example, 1)
    assert supervised_text(narrator.tokenizer, sample) == "引导购买\n2.现在下单第二件半价。\n"
    without = make_example(narrator.tokenizer, make_video(1, language="zh"), ModelSettings(use_storyline=False))
    assert supervised_text(narrator.tokenizer, sample_of(without, 1)) == "2.现在下单第二件半价。\n"


def test_only_the_clip_itself_has_a_scene(narrator):
    """Earlier clips are text; placeholders and visual tokens are as many."""
    example = make_example(narrator.tokenizer, make_video(2))
    patch, start, end = narrator.tokenizer.convert_tokens_to_ids([PATCH, START, END])
    for index in range(3):
        sample = sample_of(example, index)
        counts = [(sample.input_ids == token).sum() for token in (patch, start, end)]
        assert counts == [len(sample.contexts[0].tokens_ND), 1, 1]


@pytest.mark.parametrize(
    "missing", [{"narrations": None}, {"narrations": ("One.", " ", "Three.")}, {"storyline": None}]
)
def test_a_video_without_reference_is_refused(narrator, missing):
    """No text, an empty text, no labels: nothing is learnt from it."""
    with pytest.raises(NoReference):
        make_example(narrator.tokenizer, make_video(1, **missing))


def test_without_storyline_labels_are_not_needed(narrator):
    """The paper's ablation b trains on rows that have none."""
    video = make_video(1, storyline=None)
    assert make_example(narrator.tokenizer, video, ModelSettings(use_storyline=False)).clips


def test_a_long_description_is_shortened_and_a_long_video_refused(narrator):
    """As narration does: whole knowledge points go; what does not fit even then cannot be learnt."""
    video = make_video(2, num_clips=3)
    whole = make_example(narrator.tokenizer, video)
    longest = len(sample_of(whole, 2).input_ids)
    shortened = make_example(narrator.tokenizer, video, most=longest)
    assert len(shortened.head) < len(whole.head)
    with pytest.raises(PromptTooLong):
        make_example(narrator.tokenizer, video, most=200)
