"""Names of results: a hash of everything a result is made of, and of nothing else.

Equal keys mean equal results, whoever computed them and when; that is what lets a run reuse, retry and resume. A
video's id and place are in no key, so a renamed row costs nothing. Knows nothing of where results are stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from narrator_ray.config import Config, LengthSettings
from narrator_ray.records import JsonDict, Video
from narrator_ray.schema import FEATURES_FORMAT

NARRATION_FORMAT = "narrator-ray.narration/1"
"""The format of the stored narration object; a new one gives new keys."""


def content_key(kind: str, **parts: Any) -> str:
    """A hash of JSON values: 32 hexadecimal characters of SHA-256 over their canonical form.

    Canonical: names sorted, no spaces, numbers as Python writes them (so 1 and 1.0 differ), UTF-8.

    Args:
        kind: What is named; equal parts of different kinds give different keys.
        parts: JSON values by name.

    Raises:
        ValueError: A number is not finite.
        TypeError: A part is not a JSON value.
    """
    canonical = json.dumps(
        [kind, parts], sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()
    return hashlib.sha256(canonical).hexdigest()[:32]


def features_key(video: Video, source_version: str, config: Config, encoder_fingerprint: str) -> str:
    """The key of a video's features: the file, how it is split and sampled, and what encodes it.

    Detector settings count only where the catalogue gives no clips.
    """
    return content_key(
        FEATURES_FORMAT,
        source_version=source_version,
        clips=_clips_or_detector(video, config),
        fps=float(config.frames.fps),
        encoder=encoder_fingerprint,
    )


def narration_key(
    video: Video,
    features_key: str,
    config: Config,
    model_fingerprint: str,
    prompt_version: str,
    adapters: Mapping[str, str],
) -> str:
    """The key of a video's narration: its features and everything the language side is told.

    Two rows that differ only in their id share one result; so whatever is drawn at random for a video must derive from
    this key and never from the id.

    Args:
        video: The catalogue row.
        features_key: The key of its features, which stands for the pictures and the clips' times.
        config: The settings.
        model_fingerprint: Fingerprint of the language side's weights, those of the adapter included.
        prompt_version: Version of the prompt's wording and of the decoding rules.
        adapters: Fingerprint of every adapter that rows may name.
    """
    return content_key(
        NARRATION_FORMAT,
        features=features_key,
        product=video.product.to_json(),
        language=video.language,
        storyline=video.to_json()["storyline"],
        length=_length(video, config.length),
        prompt=prompt_version,
        model=model_fingerprint,
        adapter=None if video.adapter is None else adapters[video.adapter],
        context=config.model.model_dump(mode="json", exclude={"preset", "device", "adapters"}),
        decoding=config.decoding.model_dump(mode="json"),
    )


def row_fingerprint(video: Video) -> str:
    """A hash of what a row says of its video, besides names, places and what is only handed through."""
    row = video.to_json()
    return content_key("row", **{name: row[name] for name in row if name not in ("video_id", "video", "extra")})


def _clips_or_detector(video: Video, config: Config) -> list[list[float]] | JsonDict:
    if video.clips is not None:
        return [[float(clip.start_s), float(clip.end_s)] for clip in video.clips]
    return config.clips.model_dump(mode="json")


def _length(video: Video, settings: LengthSettings) -> JsonDict:
    """What the length windows follow from, besides the clips' times: only what the policy in force looks at."""
    policy = settings.policy
    if policy == "auto":
        policy = "rate" if video.word_ranges is None else "explicit"
    if policy == "explicit":
        return {"policy": policy, "word_ranges": None if video.word_ranges is None else list(video.word_ranges)}
    is_english = video.language == "en"
    if policy == "reference":
        margin = settings.reference_margin_en if is_english else settings.reference_margin_zh
        return {"policy": policy, "margin": margin, "references": video.to_json()["narrations"]}
    if policy == "speech":
        share = [settings.speech_least, settings.speech_most]
        return {"policy": policy, "pace": float(settings.pace(video.language)), "share": share}
    rate, margin = (settings.rate_en, settings.margin_en) if is_english else (settings.rate_zh, settings.margin_zh)
    return {"policy": policy, "rate": float(rate), "margin": margin}
