"""import_esyncvidstory: both formats, their irregularities and their mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from narrator_ray.catalog.importers.esyncvidstory import import_esyncvidstory
from narrator_ray.catalog.importers.imported import ImportedCatalog
from narrator_ray.errors import ManifestError, StorageError
from narrator_ray.records import Clip, KnowledgePoint, Product, ScriptLabel, Video
from narrator_ray.storage.storage import Storage

CREAM: dict[str, Any] = {
    "type": "x",
    "p_name": "面霜",
    "p_info": "痛点：干燥、起皮\n功效：保湿",
    "frames": [
        {"time": [0, 3], "label": "产品推荐", "new_text": "大家好。"},
        {"time": [3, 4.5], "label": "质地/成分/材质+产品功效", "new_text": "很保湿。"},
    ],
}
PROMPT = (
    "商品信息：\n名称：面霜\n痛点：干燥、起皮\n功效：保湿\n\n广告视频：\n"
    "镜头1/2：\n场景：<vid_start><vid_end>\n字数要求：1-7个字\n剧本类型：产品推荐\n1.大家好。\n"
    "镜头2/2：\n场景：<vid_start><vid_end>\n字数要求：1-7个字\n剧本类型：质地/成分/材质+产品功效\n2.很保湿。"
)
ENTRY: dict[str, Any] = {
    "inputs": PROMPT,
    "id": "cream",
    "frames": ["cream_0.pkl", "cream_1.pkl"],
    "images": [["cream_001.jpg", "cream_002.jpg", "cream_003.jpg"], ["cream_004.jpg", "cream_005.jpg"]],
    "p_info": "痛点：干燥、起皮\n功效：保湿",
}
PRODUCT = Product(
    "面霜", (KnowledgePoint("痛点", "干燥"), KnowledgePoint("痛点", "起皮"), KnowledgePoint("功效", "保湿"))
)
STORYLINE = (
    (ScriptLabel.PRODUCT_RECOMMENDATION,),
    (ScriptLabel.INGREDIENT_MATERIAL_TEXTURE, ScriptLabel.PRODUCT_EFFECT),
)
TEXTS = ("大家好。", "很保湿。")


def imported(folder: Path, data: object, **options: Any) -> ImportedCatalog:
    """What comes out of a file with this content; nobody looks for videos unless asked to."""
    file = folder / "data.json"
    file.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return import_esyncvidstory(str(file), **{"videos": "/videos", "on_missing": "unchecked", **options})


def problems_of(folder: Path, data: object) -> list[str]:
    """Every problem of a file that must have some."""
    with pytest.raises(ManifestError) as caught:
        imported(folder, data)
    return [str(problem) for problem in caught.value.problems]


def test_annotated_videos_are_imported(tmp_path: Path) -> None:
    """all_video_data.json: names, knowledge, times, label sets and texts have their fields, the rest is extra."""
    (video,) = imported(tmp_path, {"cream.mp4": CREAM}).videos
    assert video == Video(
        "cream",
        "/videos/cream.mp4",
        PRODUCT,
        "zh",
        clips=(Clip(0.0, 3.0), Clip(3.0, 4.5)),
        storyline=STORYLINE,
        narrations=TEXTS,
        extra={"type": "x", "video_file": "cream.mp4"},
    )


def test_prompted_videos_are_imported(tmp_path: Path) -> None:
    """test.json: the prompt is taken apart, times come from the numbers of the frames, which are then not needed."""
    (video,) = imported(tmp_path, [ENTRY | {"link": ""}]).videos
    assert video == Video(
        "cream",
        "/videos/cream.mp4",
        PRODUCT,
        "zh",
        clips=(Clip(0.0, 3.0), Clip(3.0, 5.0)),
        storyline=STORYLINE,
        narrations=TEXTS,
        word_ranges=((1, 7), (1, 7)),
        extra={"link": ""},
    )


def test_clips_without_narration_are_kept_aside(tmp_path: Path) -> None:
    """They are no reference, so they are no clips; what is known of them stays, and they are counted."""
    silent = {"time": [4.5, 9], "label": "引导购买", "new_text": " "}
    result = imported(tmp_path, {"cream.mp4": CREAM | {"frames": [CREAM["frames"][0], silent, CREAM["frames"][1]]}})
    (video,) = result.videos
    assert (result.num_unnarrated_clips, video.narrations) == (1, TEXTS)
    assert video.extra["original"] == {
        "clip_numbers": [1, 3],
        "num_clips": 3,
        "clips_without_narration": [{"number": 2, "times_s": [4.5, 9], "labels": "引导购买"}],
    }


def test_a_video_without_any_narration_keeps_its_clips(tmp_path: Path) -> None:
    """Annotated clips are good for narrating even where nobody wrote a reference."""
    (video,) = imported(
        tmp_path, {"a.mp4": CREAM | {"frames": [{"time": [0, 3], "label": "产品推荐"}, {"time": [3, 4]}]}}
    ).videos
    assert (video.clips, video.narrations) == ((Clip(0.0, 3.0), Clip(3.0, 4.0)), None)
    assert video.storyline == ((ScriptLabel.PRODUCT_RECOMMENDATION,), None)


def test_prompts_that_skip_clips_keep_their_numbers(tmp_path: Path) -> None:
    """A prompt lists only narrated clips; which ones they were of how many is kept."""
    skipping = PROMPT.replace("镜头1/2", "镜头1/3").replace("镜头2/2", "镜头3/3").replace("\n2.很", "\n3.很")
    (video,) = imported(tmp_path, [ENTRY | {"inputs": skipping, "frames": ["cream_0.pkl", "cream_2.pkl"]}]).videos
    assert video.extra == {"original": {"clip_numbers": [1, 3], "num_clips": 3}}


def test_what_fields_cannot_say_is_kept_as_it_was(tmp_path: Path) -> None:
    """Overlaps, windows below one word, repeated or short labels, irregular text and unusual names: nothing is lost."""
    frames = [
        {"time": [0, 5], "label": "其他+其他/通用卖点", "new_text": "大家好。 ", "who": "b"},
        {"time": [3, 3], "label": "", "new_text": "很保湿。"},
    ]
    result = imported(
        tmp_path, {"cream.mp4": CREAM | {"p_name": "面霜 ", "p_info": "功效：保湿、\n功效：滋润", "frames": frames}}
    )
    (video,) = result.videos
    assert video.extra["original"] == {
        "clip_fields": [{"who": "b"}, {}],
        "times_s": [[0, 5], [3, 3]],
        "labels": ["其他+其他/通用卖点", ""],
        "narrations": ["大家好。 ", "很保湿。"],
        "p_name": "面霜 ",
        "p_info": "功效：保湿、\n功效：滋润",
    }
    assert (video.clips, result.adjusted) == ((Clip(0.0, 3.0), Clip(3.0, 4.0)), ("cream",))
    assert video.storyline == ((ScriptLabel.OTHERS,), None)
    assert video.product.by_category() == {"功效": ["保湿", "滋润"]}


def test_what_prompts_say_unusually_is_kept(tmp_path: Path) -> None:
    """Frame and feature names that do not follow from the id, a differing p_info, windows that start below one."""
    unusual = {
        "inputs": PROMPT.replace("字数要求：1-7个字\n剧本类型：产品推荐", "字数要求：-2-4个字\n剧本类型：产品推荐"),
        "images": [["x_001.jpg"], ["cream_004.jpg", "cream_006.jpg"]],
        "frames": ["a.pkl", "b.pkl"],
        "p_info": "功效：保湿",
    }
    (video,) = imported(tmp_path, [ENTRY | unusual]).videos
    assert video.word_ranges == ((1, 4), (1, 7))
    assert video.clips == (Clip(0.0, 1.0), Clip(3.0, 6.0))
    kept = {name: unusual[name] for name in ("images", "frames", "p_info")}
    assert video.extra["original"] == {**kept, "word_ranges": [[-2, 4], [1, 7]]}


def test_narrations_may_hold_line_breaks_and_headings_of_other_lines(tmp_path: Path) -> None:
    """Only a whole heading line starts a clip."""
    (video,) = imported(tmp_path, [ENTRY | {"inputs": PROMPT.replace("大家好。", "大家好。\n看镜头2/2：吧")}]).videos
    assert video.narrations == ("大家好。\n看镜头2/2：吧", "很保湿。")


def test_all_problems_are_listed_at_once(tmp_path: Path) -> None:
    """Every entry is read to its end, and every problem names entry and field."""
    first, second = CREAM["frames"]
    data = {
        "a.mp4": CREAM | {"frames": [first | {"time": [3]}, second | {"time": [4, 3]}]},
        "b.mp4": CREAM | {"p_name": "", "frames": [first | {"label": "没有"}, second | {"new_text": 5}]},
        "c.mp4": [],
        "d.mp4": CREAM | {"frames": []},
        "e.mp4": CREAM | {"frames": [second, first]},
        "f.mp4": CREAM | {"p_info": 3},
        "a.mov": CREAM,
        "a.mkv": CREAM,
    }
    problems = problems_of(tmp_path, data)
    starts = [problem.partition(": ")[0] for problem in problems]
    assert starts == [
        "row 1, a.mp4.frames[0].time",
        "row 1, a.mp4.frames[1].time",
        "row 2, b.mp4.product.name",
        "row 2, b.mp4.storyline[0]",
        "row 2, b.mp4.narrations[1]",
        "row 3, c.mp4",
        "row 4, d.mp4.frames",
        "row 5, e.mp4.clips[1].start_s",
        "row 6, f.mp4.p_info",
        "row 8, a.mkv",
    ]
    assert "is the id of entry 7 already" in problems[-1]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"inputs": None}, "cream.inputs: expected 商品信息"),
        ({"inputs": PROMPT.replace("广告视频：", "")}, "cream.inputs: expected 商品信息"),
        ({"inputs": PROMPT.replace("镜头1/2：", "")}, "right after 广告视频"),
        ({"inputs": PROMPT.replace("镜头2/2", "镜头3/2")}, "do not count up"),
        ({"inputs": PROMPT.replace("镜头2/2", "镜头2/4")}, "do not count up"),
        ({"inputs": PROMPT.replace("\n2.很", "\n很")}, "镜头2/2： expected the lines"),
        ({"inputs": PROMPT.replace("\n2.很", "\n3.很")}, "镜头2/2： expected the lines"),
        ({"inputs": PROMPT.replace("产品推荐", "推荐")}, "'推荐' is not a script label"),
        ({"images": None}, "import all_video_data.json"),
        ({"images": [["cream_001.jpg"]]}, "each of the 2 clips of inputs, got 1"),
        ({"images": [["cream_001.jpg"], []]}, "images[1]: expected names of frames"),
        ({"images": [["cream_000.jpg"], ["cream_001.jpg"]]}, "images[0]: expected names of frames"),
        ({"images": [["cream_001.jpg"], ["cream.jpg"]]}, "images[1]: expected names of frames"),
        ({"shot_pos": 0}, "import train.json"),
        ({"id": None}, "id: expected text, got nothing"),
        ({"id": "a/b"}, "cannot name a file"),
    ],
)
def test_malformed_prompts_are_told(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    """A prompt that cannot be taken apart exactly is a problem, never half a video."""
    (problem,) = problems_of(tmp_path, [ENTRY | changes])
    assert told in problem


def test_two_samples_of_one_video_are_told(tmp_path: Path) -> None:
    """Training samples are one a clip; a catalogue needs one entry a video."""
    assert "entry per video" in problems_of(tmp_path, [ENTRY, ENTRY, "x"])[0]
    assert "expected an object" in problems_of(tmp_path, [ENTRY, "x"])[0]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"{}", "nothing in it"),
        (b"[]", "nothing in it"),
        (b"3", "a number"),
        (b"{", "is not JSON"),
        (b"[\xff]", "byte 2"),
    ],
)
def test_other_files_are_told(tmp_path: Path, data: bytes, told: str) -> None:
    """A file in neither format says what was expected."""
    (tmp_path / "data.json").write_bytes(data)
    with pytest.raises(ManifestError, match=told):
        import_esyncvidstory(str(tmp_path / "data.json"), "/videos", "unchecked")


def test_missing_videos_are_kept_or_dropped_and_counted(tmp_path: Path) -> None:
    """Either way the result tells which videos have no file."""
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "b.webm").touch()
    data, videos = {"a.mp4": CREAM, "b.mp4": CREAM}, str(tmp_path / "videos")
    kept = imported(tmp_path, data, videos=videos, on_missing="keep")
    assert [video.uri for video in kept.videos] == [f"{videos}/a.mp4", f"{videos}/b.webm"]
    dropped = imported(tmp_path, data, videos=videos, on_missing="drop")
    assert [video.video_id for video in dropped.videos] == ["b"]
    assert kept.missing == dropped.missing == ("a",)


def test_everything_may_lie_on_s3(s3_root: str) -> None:
    """File and videos are named by URI as well as by path."""
    storage = Storage.open(s3_root)
    storage.write("data.json", json.dumps([ENTRY]).encode())
    storage.write("videos/cream.mov", b"")
    result = import_esyncvidstory(f"{s3_root}/data.json", f"{s3_root}/videos")
    assert ([video.uri for video in result.videos], result.missing) == ([f"{s3_root}/videos/cream.mov"], ())


def test_a_missing_file_is_a_storage_error(tmp_path: Path) -> None:
    """The file that cannot be read is named."""
    with pytest.raises(StorageError, match=r"none\.json: cannot read: not found"):
        import_esyncvidstory(str(tmp_path / "none.json"), "/videos", "unchecked")
