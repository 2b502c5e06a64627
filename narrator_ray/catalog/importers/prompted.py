"""An entry of ``test.json`` or ``train.json``: ``{inputs, id, frames, images, p_info}``.

Product, script labels, length windows and narrations stand inside ``inputs``, the text a model is trained on. Times do
not, but ``images`` lists the frames of every clip, sampled once a second and numbered from 1: frames 4 to 17 are the
clip from second 3 to second 17; fractions of a second are not known. ``frames`` names the clips' feature files.

Source: released code, get_training_data.py and split.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from narrator_ray.catalog.fields import Report, is_list, kind_of
from narrator_ray.catalog.importers.clip_times import Span
from narrator_ray.catalog.importers.source_video import SourceClip, SourceVideo
from narrator_ray.records import JsonDict

_FIELDS = ("inputs", "id", "frames", "images", "p_info")
_PRODUCT = re.compile(r"商品信息：\n名称：([^\n]*)(?:\n(.*?))?\n\n广告视频：\n(.*)", re.DOTALL)
_HEADING = re.compile(r"^镜头(\d+)/(\d+)：\n", re.MULTILINE)
_CLIP = re.compile(r"(?:场景：[^\n]*\n)?字数要求：(-?\d+)-(-?\d+)个字\n剧本类型：([^\n]*)\n(\d+)\.(.*)", re.DOTALL)
_FRAME_NUMBER = re.compile(r"_(\d+)\.[A-Za-z]+")


def read_prompted(entry: Mapping[str, object], report: Report) -> SourceVideo | None:
    """The video of one entry.

    Args:
        entry: The raw entry.
        report: Takes the problems.
    """
    inputs, video_id = entry.get("inputs"), entry.get("id")
    if not isinstance(video_id, str):
        report("id", f"expected text, got {kind_of(video_id)}")
        return None
    if "shot_pos" in entry:
        report("shot_pos", "the entry is a training sample of one clip: import train.json, which has whole videos")
        return None
    match = _PRODUCT.fullmatch(inputs) if isinstance(inputs, str) else None
    if match is None:
        report(
            "inputs", "expected 商品信息：, a line 名称：, the product's categories, a blank line, 广告视频： and clips"
        )
        return None
    blocks = _blocks(match[3], report)
    spans = _spans(entry.get("images"), len(blocks), report) if blocks else []
    if not blocks or len(spans) != len(blocks):
        return None
    clips = [_clip(*block, span, report) for block, span in zip(blocks, spans, strict=True)]
    told = tuple(clip for clip in clips if clip is not None)
    if len(told) != len(clips):
        return None
    return SourceVideo(
        video_id=video_id,
        file_name=video_id,
        product_name=match[1],
        product_text=match[2] or "",
        language="zh",
        clips=told,
        num_clips=blocks[0][1],
        extra={name: value for name, value in entry.items() if name not in _FIELDS},
        original=_not_derivable(entry, video_id, told, match[2] or ""),
    )


def _blocks(text: str, report: Report) -> list[tuple[int, int, str]]:
    """Number, number of clips and text of every clip of ``inputs``; nothing if the headings do not fit each other."""
    before, *parts = _HEADING.split(text)
    numbers, counts = [int(part) for part in parts[::3]], [int(part) for part in parts[1::3]]
    if before or not numbers:
        report("inputs", "expected a line such as 镜头1/7： right after 广告视频：")
        return []
    if len(set(counts)) > 1 or numbers != sorted(set(numbers)) or not 1 <= numbers[0] <= numbers[-1] <= counts[0]:
        found = "、".join(f"{number}/{count}" for number, count in zip(numbers, counts, strict=True))
        report("inputs", f"the clips' headings do not count up to one number of clips: 镜头{found}")
        return []
    bodies = [body.removesuffix("\n") for body in parts[2:-1:3]] + parts[-1:]
    return list(zip(numbers, counts, bodies, strict=True))


def _clip(number: int, count: int, body: str, span: Span, report: Report) -> SourceClip | None:
    match = _CLIP.fullmatch(body)
    if match is None or int(match[4]) != number:
        report(
            "inputs",
            f"镜头{number}/{count}： expected the lines 字数要求：, 剧本类型： and {number}., got {body[:80]!r}",
        )
        return None
    return SourceClip(number, span, match[5], match[3], (int(match[1]), int(match[2])))


def _spans(images: object, num_clips: int, report: Report) -> list[Span]:
    """The times of the clips, from the numbers of their frames."""
    if images is None:
        report("images", "is missing: the clips' times are taken from it; import all_video_data.json, which has times")
        return []
    if not is_list(images) or len(images) != num_clips:
        got = f"{len(images)}" if is_list(images) else kind_of(images)
        report("images", f"expected one list of frames for each of the {num_clips} clips of inputs, got {got}")
        return []
    spans = [_span(names, f"images[{index}]", report) for index, names in enumerate(images)]
    return [span for span in spans if span is not None]


def _span(names: object, field: str, report: Report) -> Span | None:
    matches = [_FRAME_NUMBER.search(str(name)) for name in names] if is_list(names) else []
    numbers = [int(match[1]) for match in matches if match is not None]
    if not numbers or len(numbers) != len(matches) or min(numbers) < 1:
        report(field, "expected names of frames that end in their number, counted from 1, such as a_001.jpg")
        return None
    return min(numbers) - 1, max(numbers)


def _not_derivable(entry: Mapping[str, object], video_id: str, clips: tuple[SourceClip, ...], info: str) -> JsonDict:
    """Values of the entry that do not follow from id, clip numbers, times and product."""
    derived = {
        "frames": [f"{video_id}_{clip.number - 1}.pkl" for clip in clips],
        "images": [_image_names(video_id, clip.times_s) for clip in clips],
        "p_info": info,
    }
    return {name: entry[name] for name, value in derived.items() if name in entry and entry[name] != value}


def _image_names(video_id: str, times_s: Span) -> list[str]:
    return [f"{video_id}_{number:03d}.jpg" for number in range(int(times_s[0]) + 1, int(times_s[1]) + 1)]
