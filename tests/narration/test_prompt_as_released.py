"""Prompts are, byte for byte, those of the released code, rebuilt from the same videos."""

import gzip
import hashlib
import json
import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from narrator_ray.narration.prompt import PATCH, PromptClip, full_prompt, prompt_form
from narrator_ray.records import KnowledgePoint, Product

PROMPTS = Path(__file__).parents[3] / "shared" / "golden" / "prompts"
pytestmark = pytest.mark.skipif(not PROMPTS.is_dir(), reason="recorded prompts of the released code are not here")


def read(name: str):
    """A recorded file, compressed or not."""
    path = PROMPTS / name
    return json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_text(encoding="utf-8"))


def product_of(inputs: str) -> Product:
    """The product of a recorded video, taken out of its text; nothing where the text begins with the clips."""
    lines = inputs.split("\n\n")[0].splitlines()[1:]
    pairs = [line.split("：", 1) for line in lines if "：" in line]
    if not pairs:
        return Product("")
    points = [KnowledgePoint(category, point) for category, joined in pairs[1:] for point in joined.split("、")]
    return Product(pairs[0][1], tuple(points))


def windows_of(inputs: str) -> list[tuple[int, int]]:
    """The length windows of a recorded video's clips."""
    return [(int(low), int(high)) for low, high in re.findall(r"(-?\d+)-(\d+)(?:个字| words)", inputs)]


def rebuilt(form, inputs: str, calls: list[dict], is_one_shot: bool) -> list[str]:
    """All prompts of a video, each from the answers to those before it."""
    product, windows, prompts = product_of(inputs), windows_of(inputs), []
    given = dict(enumerate(re.findall(r"剧本类型：(.*)", inputs)))
    generated = {call["clip"]: call["returned"] for call in calls if call["kind"] == "label"}
    told: list[PromptClip] = []
    for call in calls:
        index = call["clip"]
        clip = PromptClip(index, windows[index], num_tokens=call["features_shape"][-2])
        if call["kind"] == "narration":
            clip = replace(clip, labels=generated.get(index, given.get(index)))
        prompts.append(full_prompt(form, product, [*told, clip], len(windows)))
        if call["kind"] == "narration":
            told.append(replace(clip, narration=call["returned"], num_tokens=0 if is_one_shot else clip.num_tokens))
    return prompts


@pytest.mark.parametrize(
    ("recorded", "inputs", "form"),
    [
        ("ch_generated.json.gz", "inputs_ch.json.gz", "zh"),
        ("ch_offered.json.gz", "inputs_ch.json.gz", "zh"),
        ("ch_madeup.json.gz", "inputs_madeup_ch.json", "zh"),
        ("ch_not_one_shot.json", "inputs_ch.json.gz", "zh"),
        ("en_narrative.json", "inputs_en.json", "en_released"),
    ],
)
def test_every_recorded_prompt_is_reproduced(recorded, inputs, form):
    """Text and digest of each call for a label and for a narration."""
    run, videos = read(recorded), read(inputs)["test"]
    texts = {video["id"]: video["inputs"] for video in videos}
    by_video = defaultdict(list)
    for call in run["calls"]:
        by_video[call["video"]].append(call)
    for video, calls in by_video.items():
        prompts = rebuilt(prompt_form(form), texts[video], calls, run["one_shot_vision"])
        for call, prompt in zip(calls, prompts, strict=True):
            short = re.sub(f"(?:{PATCH})+", lambda match: f"[[{len(match[0]) // len(PATCH)}]]", prompt)
            place = (video, call["clip"], call["kind"])
            if run["one_shot_vision"]:
                assert short == call["prompt"], place
                assert hashlib.sha256(prompt.encode()).hexdigest() == call["sha256"], place
            else:  # only this mode of the released code leaves double spaces of a product's name
                assert short == call["prompt"].replace("  ", " "), place
