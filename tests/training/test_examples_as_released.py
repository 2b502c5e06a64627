"""Samples are, token by token and label by label, those of the released trainer."""

import re

import numpy as np
import pytest

from narrator_ray.model.context import ClipContext
from narrator_ray.narration.prompt import START, prompt_form
from narrator_ray.narration.story_tokens import StoryTokens
from narrator_ray.records import parse_label
from narrator_ray.training.examples import IGNORED, Sample, VideoExample, clip_example, sample_of
from tests.narration.test_prompt_as_released import product_of, read, windows_of
from tests.narration.test_prompt_tokens import GOLDEN, needs_golden, released_tokenizer

NUMBERED = {"zh": re.compile(r"^(\d+)\.(.*)$", re.M), "en_released": re.compile(r"Narrative (\d+): (.*)")}


def rebuilt(tokens: StoryTokens, recorded: dict) -> Sample:
    """The sample of a recorded text."""
    inputs, place = recorded["sample"]["inputs"], recorded["sample"]["shot_loc"] - 1
    name = "zh" if tokens.form.has_labels else "en_released"
    numbered, windows = NUMBERED[name].findall(inputs), windows_of(inputs)
    named = re.findall(r"剧本类型：(.*)", inputs) if tokens.form.has_labels else [""] * len(windows)
    context = ClipContext(np.zeros((recorded["n_tokens"], 8), np.float16), recorded["frame_pos"], ())
    clips = tuple(
        clip_example(
            tokens,
            int(number) - 1,
            len(windows),
            window,
            [label for part in names.split("+") if (label := parse_label(part))],
            text,
            context,
        )
        for (number, text), window, names in zip(numbered, windows, named, strict=True)
    )
    return sample_of(VideoExample("", tuple(tokens.head(product_of(inputs))), clips), place)


@needs_golden
@pytest.mark.parametrize(
    ("recorded", "directory", "form", "language", "number"),
    [("ch.json.gz", "tokenizer_ch", "zh", "zh", 17), ("en_narrative.json", "tokenizer_en", "en_released", "en", 7)],
)
def test_every_recorded_sample_is_reproduced(recorded, directory, form, language, number):
    """Up to the end of its span: what follows has no loss.

    Left out are two recorded samples of several clips and two whose scene line the released data script lost.
    """
    ids = np.load(GOLDEN / "train_samples" / f"{recorded.split('.')[0]}.npz")
    tokens = StoryTokens.of(released_tokenizer(directory), prompt_form(form), language)
    samples = {
        index: sample
        for index, sample in enumerate(read(f"../train_samples/{recorded}"))
        if isinstance(sample["sample"].get("shot_loc"), int) and START in sample["text"]
    }
    assert len(samples) == number
    for index, expected in samples.items():
        sample, end = rebuilt(tokens, expected), expected["supervised"][0]["end"]
        input_ids, labels = ids[f"s{index:02d}.input_ids"], ids[f"s{index:02d}.labels"]
        assert (labels[end:] == IGNORED).all()
        if "  " in expected["sample"]["inputs"]:  # the released inference collapses double spaces, not its training
            assert sample.labels[sample.labels != IGNORED].tolist() == labels[labels != IGNORED].tolist()
            assert len(sample.input_ids) == end - 1
            continue
        assert sample.input_ids.tolist() == input_ids[:end].tolist(), index
        assert sample.labels.tolist() == labels[:end].tolist(), index
