"""Keys: what changes a result changes its key, and nothing else does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrator_ray.config import Config
from narrator_ray.outputs.keys import content_key, features_key, narration_key
from narrator_ray.records import Clip, KnowledgePoint, Product, ScriptLabel, Video

VIDEO = Video(
    video_id="mug",
    uri="/videos/mug.mp4",
    product=Product("Mug", (KnowledgePoint("material", "steel"),)),
    language="en",
)
GIVEN = replace(
    VIDEO,
    clips=(Clip(0.0, 2.0), Clip(2.0, 5.0)),
    storyline=((ScriptLabel.SORE_POINT,), None),
    narrations=("Cold again?", "This mug helps."),
    word_ranges=((3, 5), (4, 6)),
)
WHICH = {(False, False): "none", (False, True): "narration", (True, True): "both"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
).filter(lambda value: "\\ud" not in json.dumps(value))


ADAPTERS = {"brand": "a1", "renamed": "a1", "other": "a2"}


def keys(
    video: Video, config: Config, version: str = "v1", encoder: str = "e1", model: str = "m1", prompt: str = "p1"
) -> tuple[str, str]:
    """Both keys of a video."""
    features = features_key(video, version, config, encoder)
    return features, narration_key(video, features, config, model, prompt, ADAPTERS)


def changed(before: tuple[str, str], after: tuple[str, str]) -> str:
    """Which keys differ."""
    return WHICH[before[0] != after[0], before[1] != after[1]]


def settings(**sections: dict[str, Any]) -> Config:
    """The defaults but for some values."""
    return Config.model_validate(sections)


def other(value: Any, name: str) -> Any:
    """A valid value unlike the given one, for a setting of that name."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return ["/videos"]
    if isinstance(value, dict):
        return {"brand": "s3://bucket/brand"}
    if isinstance(value, str):
        known = {"endpoint_url": "http://minio:9000", "region": "eu-central-1", "preset": "tiny-random"}
        known |= {
            "base_url": "http://judge/v1",
            "model": "m",
            "api_key_variable": "KEY",
            "sees": "frames",
            "cache": "kept",
            "catalog": "catalog.jsonl",
            "out": "results",
            "engine": "torch",
            "keep": "best",
            "track": "mlflow",
        }
        return (known | {"device": "cpu", "memory": "all", "schedule": "linear", "precision": "bf16"})[name]
    return value + 1 if isinstance(value, int) or value > 1 else 0.75


SETTINGS = [
    (section, name)
    for section, info in Config.model_fields.items()
    for name in info.annotation.model_fields
    if (section, name) != ("length", "policy")
]
FEATURES = {("clips", "min_clip_s"), ("clips", "max_clip_s"), ("clips", "detector_threshold"), ("frames", "fps")}
NARRATION = {
    ("model", "compression_threshold"),
    ("model", "memory_frames"),
    ("model", "memory"),
    *(("model", f"use_{part}") for part in ("adapter", "storyline", "position", "compression")),
    ("length", "rate_en"),
    ("length", "margin_en"),
    ("decoding", "temperature"),
    ("decoding", "top_p"),
    ("decoding", "repetition_penalty"),
    ("decoding", "no_repeat_tokens"),
    ("decoding", "opening_penalty"),
    ("decoding", "seed"),
}


@pytest.mark.parametrize(("section", "name"), SETTINGS)
def test_settings(section: str, name: str) -> None:
    """Every single setting changes exactly the keys of what it takes part in; a new setting must be placed here."""
    value = getattr(getattr(Config(), section), name)
    expected = "both" if (section, name) in FEATURES else "narration" if (section, name) in NARRATION else "none"
    if expected == "none":
        assert section in {"run", "report", "decode", "sources", "storage", "training", "judge"} or (section, name) in {
            *(("frames", f"max_{what}") for what in ("video_s", "pixels", "pictures")),
            ("model", "preset"),
            ("model", "device"),
            ("model", "adapters"),
            *(("length", f"{kind}_zh") for kind in ("rate", "margin", "reference_margin")),
            ("length", "reference_margin_en"),
            *(("length", name) for name in ("pace_en", "pace_zh", "speech_least", "speech_most")),
        }
    assert changed(keys(VIDEO, Config()), keys(VIDEO, settings(**{section: {name: other(value, name)}}))) == expected


@pytest.mark.parametrize(
    ("change", "which"),
    [
        ({"video_id": "cup"}, "none"),
        ({"uri": "s3://bucket/mug.mp4"}, "none"),
        ({"extra": {"sku": 1}}, "none"),
        ({"product": Product("Cup", VIDEO.product.knowledge)}, "narration"),
        ({"product": Product("Mug", (KnowledgePoint("material", "glass"),))}, "narration"),
        ({"product": Product("Mug", (KnowledgePoint("", "steel"),))}, "narration"),
        ({"language": "zh"}, "narration"),
        ({"storyline": (None, None)}, "narration"),
        ({"storyline": None}, "narration"),
        ({"adapter": "brand"}, "narration"),
        ({"word_ranges": ((3, 5), (4, 7))}, "narration"),
        ({"word_ranges": None}, "narration"),
        ({"narrations": None}, "none"),
        ({"clips": (Clip(0.0, 2.0), Clip(2.0, 5.1))}, "both"),
        ({"clips": None}, "both"),
        ({"clips": (Clip(0, 2), Clip(2, 5))}, "none"),
    ],
)
def test_rows(change: dict[str, Any], which: str) -> None:
    """Contents of a row count, its name and place do not."""
    assert changed(keys(GIVEN, Config()), keys(replace(GIVEN, **change), Config())) == which


@pytest.mark.parametrize(
    ("change", "which"),
    [
        ({"version": "v2"}, "both"),
        ({"encoder": "e2"}, "both"),
        ({"model": "m2"}, "narration"),
        ({"prompt": "p2"}, "narration"),
    ],
)
def test_files_and_models(change: dict[str, str], which: str) -> None:
    """A changed file or encoder redoes everything, a changed language side or prompt the narration."""
    assert changed(keys(VIDEO, Config()), keys(VIDEO, Config(), **change)) == which


@pytest.mark.parametrize("name", ["min_clip_s", "max_clip_s", "detector_threshold"])
def test_detector_settings_only_count_without_clips(name: str) -> None:
    """Where the catalogue gives the clips nothing is detected."""
    value = getattr(Config().clips, name) + 0.5
    assert changed(keys(GIVEN, Config()), keys(GIVEN, settings(clips={name: value}))) == "none"


@pytest.mark.parametrize(
    ("policy", "video", "counts"),
    [
        ("auto", VIDEO, {"rate_en", "margin_en"}),
        ("auto", GIVEN, {"word_ranges"}),
        ("rate", GIVEN, {"rate_en", "margin_en"}),
        ("explicit", GIVEN, {"word_ranges"}),
        ("reference", GIVEN, {"reference_margin_en", "narrations"}),
        ("speech", GIVEN, {"pace_en", "speech_least", "speech_most"}),
        ("speech", replace(GIVEN, language="zh"), {"pace_zh", "speech_least", "speech_most"}),
        ("rate", replace(GIVEN, language="zh"), {"rate_zh", "margin_zh"}),
        ("reference", replace(GIVEN, language="zh"), {"reference_margin_zh", "narrations"}),
    ],
)
def test_only_the_policy_in_force_counts(policy: str, video: Video, counts: set[str]) -> None:
    """Of rates, margins, ranges and references only those that make the windows are in the key."""
    config = settings(length={"policy": policy})
    before = keys(video, config)
    found = set()
    for name, value in config.length.model_dump(exclude={"policy"}).items():
        other = value * 0.95 if name.startswith(("speech", "pace")) else value + 1
        after = keys(video, settings(length={"policy": policy, name: other}))
        found |= {name} if changed(before, after) == "narration" else set()
    for name, value in {"word_ranges": ((1, 2), (1, 2)), "narrations": ("x", "y")}.items():
        after = keys(replace(video, **{name: value}), config) if video.clips else before
        found |= {name} if changed(before, after) == "narration" else set()
    assert found == counts


def test_a_policy_by_name_or_by_itself() -> None:
    """`auto` is the policy it comes to: writing that policy out redoes nothing."""
    for video, policy in ((VIDEO, "rate"), (GIVEN, "explicit")):
        assert keys(video, Config()) == keys(video, settings(length={"policy": policy}))


def test_keys_are_stable() -> None:
    """The canonical form is fixed: another one would make every stored result unreachable."""
    canonical = '["kind",{"a":{"x":-0.1,"y":true},"b":[1,1.5,null,"杯"]}]'
    expected = hashlib.sha256(canonical.encode()).hexdigest()[:32]
    assert content_key("kind", b=[1, 1.5, None, "杯"], a={"y": True, "x": -0.1}) == expected


@given(st.dictionaries(st.text(st.characters(codec="ascii", categories=["L"]), min_size=1), JSON))
def test_order_of_names_does_not_matter(parts: dict[str, Any]) -> None:
    """Equal parts give equal keys in whatever order they come, other kinds and other parts give others."""
    parts.pop("kind", None)
    key = content_key("a", **parts)
    assert len(key) == 32
    assert int(key, 16) >= 0
    assert content_key("a", **dict(reversed(parts.items()))) == key
    assert content_key("b", **parts) != key
    assert content_key("a", **parts, **{"new part": None}) != key


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", {1, 2}])
def test_what_is_not_json_has_no_key(value: object) -> None:
    """Values without one canonical form are refused rather than hashed somehow."""
    with pytest.raises((ValueError, TypeError)):
        content_key("kind", value=value)


def test_an_adapter_counts_by_its_weights() -> None:
    """Renaming it costs nothing, another one is another narrator."""
    own, renamed, other_one = (keys(replace(GIVEN, adapter=name), Config()) for name in ("brand", "renamed", "other"))
    assert own == renamed
    assert changed(own, other_one) == "narration"
