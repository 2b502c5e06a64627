"""Results that are kept: given again to who asked, changed clip by clip, and removed after a while."""

import os
import time
from pathlib import Path

import pytest

from narrator_ray.config import StorageSettings
from narrator_ray.errors import StorageError
from narrator_ray.records import ScriptLabel
from serve_app import results
from serve_app.place import open_place
from tests.serve_app.ground import KEYS, Ground, endpoint

CLIPS = "[[0, 2], [2, 4], [4, 6]]"


@pytest.fixture
def result(ground: Ground, film: bytes) -> dict:
    """A narrated film."""
    return ground.narrate(film, clips=CLIPS).json()


def rewrite(ground: Ground, result: dict, clip: int, **wanted: object):
    """Ask for a clip anew."""
    return ground.client.post(f"/v1/narrations/{result['id']}/clips/{clip}:rewrite", json=wanted)


def test_a_clip_is_narrated_anew_beside_the_others(ground: Ground, result: dict) -> None:
    """With the label and the window that were asked for; the others, its times and its frames stay."""
    before = result["narrations"]
    answer = rewrite(ground, result, 1, labels=["call_to_action"], window=[4, 4])
    assert answer.status_code == 200, answer.text
    clip = answer.json()
    assert (clip["clip_index"], clip["script_labels"], clip["label_source"]) == (1, ["call_to_action"], "predefined")
    assert (clip["num_words"], clip["min_words"], clip["max_words"], clip["is_in_window"]) == (4, 4, 4, True)
    assert clip["narration"] != before[1]["narration"]
    assert [clip[name] for name in ("start_s", "num_frames")] == [before[1][name] for name in ("start_s", "num_frames")]
    after = ground.client.get(f"/v1/narrations/{result['id']}").json()
    assert after["narrations"] == [before[0], clip, before[2]]
    assert after["key"] != result["key"]


def test_no_picture_is_looked_at_again(film: bytes) -> None:
    """Vision has no part in it: it works without encoder and without the video."""
    looked = []

    class Encoder:
        async def encode(self, item, frames_TCHW):
            from tests.serve_app.ground import replicas

            looked.append(len(frames_TCHW))
            return await replicas()[0].encode(item, frames_TCHW)

    with endpoint(encoder=Encoder()) as ground:
        result = ground.narrate(film, clips=CLIPS).json()
        assert looked == [6]
        assert rewrite(ground, result, 0).status_code == 200
    assert looked == [6]


def test_the_model_chooses_again_what_is_left_out(ground: Ground, result: dict) -> None:
    """Label and window; and does not say the same again."""
    clip, old = rewrite(ground, result, 2).json(), result["narrations"][2]
    assert clip["label_source"] == "generated"
    assert [clip[name] for name in ("min_words", "max_words")] == [old[name] for name in ("min_words", "max_words")]
    assert clip["narration"] != old["narration"]


def test_a_wish_in_words_is_followed(ground: Ground, result: dict) -> None:
    """At least it is read: the same clip with another wish is told otherwise."""
    wishes = ("Make it shorter.", "Speak to parents.", "Make it shorter.")
    told = []
    for wish in wishes:
        assert rewrite(ground, result, 1, texts=[""] * 3, seed=1).status_code == 200
        answer = rewrite(ground, result, 1, instruction=wish, texts=[""] * 3, seed=1)
        assert answer.status_code == 200, answer.text
        told.append(answer.json()["narration"])
    assert told[0] == told[2] != told[1]


def test_texts_changed_by_hand_are_followed_and_kept(ground: Ground, result: dict) -> None:
    """What stands before a clip is what its narration follows."""
    texts = ["Entirely other words.", "Something else.", "And more."]
    assert rewrite(ground, result, 2, texts=texts).status_code == 200
    subtitles = ground.client.get(f"/v1/narrations/{result['id']}", headers={"Accept": "text/vtt"}).text
    assert "Entirely other words." in subtitles
    assert "And more." not in subtitles


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"labels": ["nonsense"]}, "labels[0]"),
        ({"labels": []}, "labels"),
        ({"labels": [str(label) for label in ScriptLabel]}, "labels"),
        ({"window": [5, 4]}, "window"),
        ({"window": [1, 4000]}, "window"),
        ({"texts": ["one"]}, "texts"),
        ({"seed": -1}, "seed"),
        ({"instruction": "x" * 501}, "instruction"),
        ({"label": "others"}, "label"),
    ],
)
def test_wrong_fields_are_named(ground: Ground, result: dict, wanted: dict, field: str) -> None:
    """As problems of the request."""
    answer = rewrite(ground, result, 0, **wanted)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_results_that_there_are_not(ground: Ground, result: dict) -> None:
    """Unknown, malformed, with a clip too many."""
    for name in ("x" * 22, "short", "..%2F..%2Fetc%2Fpasswd", "%2e%2e"):
        assert ground.client.get(f"/v1/narrations/{name}").status_code == 404
    answer = rewrite(ground, result, 3)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_clip")


def test_a_result_is_its_callers_own(film: bytes) -> None:
    """Another key does not see that it is there."""
    north, south = ({"X-API-Key": f"key of {name}"} for name in ("north", "south"))
    with endpoint(access={"api_keys": KEYS}) as ground:
        ground.client.headers.update(north)
        result = ground.narrate(film).json()
        path = f"/v1/narrations/{result['id']}"
        assert ground.client.get(path).json() == result
        answer = ground.client.get(path, headers=south)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_narration")


def test_results_are_removed_after_a_while(film: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the next one comes; what is kept holds no picture."""
    monkeypatch.setattr(results, "_SWEEP_EVERY_S", 0.0)
    with endpoint(results=str(tmp_path), keep_results_s=100.0) as ground:
        first = ground.narrate(film).json()
        files = [path for path in (tmp_path / "results").rglob("*") if path.is_file()]
        assert len(files) == 2
        assert not any(b"JFIF" in path.read_bytes() for path in files)
        for path in files:
            os.utime(path, (time.time() - 200,) * 2)
        second = ground.narrate(film).json()
        assert ground.client.get(f"/v1/narrations/{first['id']}").status_code == 404
        assert ground.client.get(f"/v1/narrations/{second['id']}").status_code == 200


def test_the_usual_place_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that others can look into, or that is a link to somewhere else, is refused."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    open_place("", "results", StorageSettings())
    [folder] = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    open_place("", "results", StorageSettings())
    folder.chmod(0o755)
    with pytest.raises(StorageError, match="not a private folder"):
        open_place("", "results", StorageSettings())
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="not a private folder"):
        open_place("", "results", StorageSettings())
