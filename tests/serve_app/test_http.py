"""The API as its clients see it, with real models and decoders in this process."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from narrator_ray.narration.job import ClipLabels, ClipResult, NarrationJob
from narrator_ray.records import Rejection, ScriptLabel
from narrator_ray.runs.work import WorkItem
from tests.serve_app.ground import Ground, endpoint, events_of, replicas


def test_a_video_is_narrated_as_a_stream(ground: Ground, film: bytes) -> None:
    """Events in order: each clip's label before its narration, its narration before the next clip's label."""
    answer = ground.narrate(film, "text/event-stream")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [(name, json.loads(data)) for name, data in events_of(answer.text)]
    assert [name for name, _ in events] == ["accepted", "clips", "frames", *["label", "narration"] * 3, "done"]
    told = [data for name, data in events if name == "narration"]
    done = events[-1][1]
    assert done["id"] == events[0][1]["id"]
    assert done["narrations"] == told
    assert [data["clip_index"] for data in told] == [0, 1, 2]
    assert all(data["is_in_window"] and data["narration"] for data in told)
    labels = [data["script_labels"] for name, data in events if name == "label"]
    assert labels == [data["script_labels"] for data in told]
    frames = events[2][1]
    assert [clip["num_frames"] for clip in frames["clips"]] == [2, 2, 2]
    assert all(clip["poster"].startswith("data:image/jpeg;base64,") for clip in frames["clips"])


def test_the_same_question_has_the_same_answer_in_every_form(ground: Ground, film: bytes) -> None:
    """In one piece, as a stream, and as subtitles."""
    whole = ground.narrate(film).json()
    streamed = json.loads(events_of(ground.narrate(film, "text/event-stream").text)[-1][1])
    assert whole | {"id": ""} == streamed | {"id": ""}
    vtt, srt = (ground.narrate(film, kind).text for kind in ("text/vtt", "application/x-subrip"))
    assert vtt.startswith("WEBVTT")
    assert srt.startswith("1\n00:00:00,000 --> ")
    first = whole["narrations"][0]["narration"].split()[0]
    assert first in vtt
    assert first in srt


def test_what_is_given_is_kept(ground: Ground, film: bytes) -> None:
    """Clips, labels, windows and language of the request."""
    answer = ground.narrate(
        film,
        clips="[[0, 1.5], [1.5, 6]]",
        storyline='["sore point", ["product_effect", "others"]]',
        windows="[[3, 5], [6, 6]]",
        language="zh",
    ).json()
    assert answer["language"] == "zh"
    first, second = answer["narrations"]
    assert [(clip["start_s"], clip["end_s"]) for clip in (first, second)] == [(0.0, 1.5), (1.5, 6.0)]
    assert first["script_labels"] == [ScriptLabel.SORE_POINT]
    assert second["script_labels"] == [ScriptLabel.PRODUCT_EFFECT, ScriptLabel.OTHERS]
    assert first["label_source"] == "predefined"
    assert 3 <= first["num_words"] <= 5
    assert second["num_words"] == 6


def test_a_seed_decides_what_is_drawn(film: bytes) -> None:
    """Equal seeds tell the same, others something else; only where there is anything random."""
    with endpoint() as ground:
        keys = [ground.narrate(film, seed=seed).json()["key"] for seed in ("7", "7", "8")]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"product": ""}, "product", "missing"),
        ({"product": '{"name": ""}'}, "product.name", "empty"),
        ({"product": '{"nme": "Mug"}'}, "product.nme", "nearest is `name`"),
        ({"product": "{"}, "product", "not JSON"),
        ({"product": '{"name": "\\ud800"}'}, "product", "surrogate"),
        ({"clips": "[" * 20_000 + "]" * 20_000}, "clips", "nested too deeply"),
        ({"clips": "[[3, 1]]"}, "clips[0].end_s", "not after"),
        ({"windows": "[[1, 2]]"}, "windows", "needs clips"),
        ({"clips": "[[0, 1]]", "windows": "[[4, 2]]"}, "windows[0]", "no window"),
        ({"clips": "[[0, 1]]", "windows": "[[4, 401]]"}, "windows[0]", "at most 400"),
        ({"clips": "[[0, 1]]", "storyline": '["sore pint"]'}, "storyline[0]", "nearest is `sore point`"),
        ({"language": "fr"}, "language", "give zh or en"),
        ({"seed": "-1"}, "seed", "whole number"),
        ({"windws": "[]"}, "windws", "nearest is `windows`"),
        ({"video_id": "mine"}, "video_id", "no such field"),
    ],
)
def test_wrong_fields_are_named(ground: Ground, film: bytes, fields: dict, field: str, message: str) -> None:
    """With the path of the field and what to do; nothing has been decoded."""
    answer = ground.narrate(film, "text/event-stream", **fields)
    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["status"]) == ("invalid_request", 422)
    assert field in [error["field"] for error in problem["errors"]]
    assert message in " ".join(error["message"] for error in problem["errors"])


def test_all_problems_are_listed_at_once(ground: Ground, film: bytes) -> None:
    """As in a catalogue."""
    problem = ground.narrate(film, product='{"name": ""}', seed="x", language="fr").json()
    assert {error["field"] for error in problem["errors"]} == {"product.name", "seed", "language"}


def test_an_unknown_adapter_is_not_found(ground: Ground, film: bytes) -> None:
    """With the list of those there are."""
    answer = ground.narrate(film, adapter="northwind")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_adapter")
    assert "there are: none" in answer.json()["detail"]


def test_a_damaged_video_is_a_problem_of_the_request(ground: Ground, film: bytes) -> None:
    """One that begins like a video and is none, in one piece and as a stream."""
    damaged = film[:64] + bytes(5000)
    answer = ground.narrate(damaged)
    assert (answer.status_code, answer.json()["code"]) == (422, "video_unreadable")
    name, data = events_of(ground.narrate(damaged, "text/event-stream").text)[-1]
    assert (name, json.loads(data)["code"]) == ("error", "video_unreadable")
    assert "/proc/" not in answer.text


def test_clips_outside_the_video_are_named(ground: Ground, film: bytes) -> None:
    """By the field that gave them."""
    problem = ground.narrate(film, clips="[[0, 1], [50, 60]]").json()
    assert problem["code"] == "clips_outside_video"
    assert problem["errors"][0]["field"] == "clips"


def test_limits_of_a_video(film: bytes) -> None:
    """Its length, its pictures, its clips: each is a limit of its own."""
    for limit, code in (({"max_video_s": 3}, "video_too_long"), ({"max_pixels": 100}, "video_too_large")):
        with endpoint(limits=limit) as ground:
            answer = ground.narrate(film)
        assert (answer.status_code, answer.json()["code"]) == (413, code)
    with endpoint(limits={"max_clips": 2}) as ground:
        assert ground.narrate(film).json()["errors"][0]["field"] == "video"
        assert ground.narrate(film, clips="[[0, 1], [1, 2], [2, 3]]").json()["errors"][0]["field"] == "clips"
        assert ground.narrate(film, clips="[[0, 1], [1, 2]]").status_code == 200


def test_lengths_and_subtitles_of_own_texts(ground: Ground) -> None:
    """By the rules of narration; what is no such request is named."""
    lengths = ground.client.post("/v1/lengths", json={"language": "en", "texts": ["Two words.", ""]}).json()["lengths"]
    assert [item["num_words"] for item in lengths] == [2, 0]
    assert lengths[0]["spoken_s"] > lengths[1]["spoken_s"] == 0
    timed = [{"start_s": 0, "end_s": 2, "text": "First <b>."}, {"start_s": 2, "end_s": 2, "text": "never"}]
    body = {"language": "en", "format": "vtt", "narrations": timed}
    subtitles = ground.client.post("/v1/subtitles", json=body)
    assert subtitles.headers["content-type"].startswith("text/vtt")
    assert "First &lt;b&gt;." in subtitles.text
    assert "never" not in subtitles.text
    wrong = ground.client.post("/v1/subtitles", json=body | {"narrations": [{"start_s": -1, "end_s": 2, "text": ""}]})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "narrations[0].start_s")
    assert ground.client.post("/v1/lengths", content=b"x" * 70_000).status_code == 413


def test_what_can_be_asked_for(ground: Ground) -> None:
    """The model, its languages, the labels, the limits; alive and ready."""
    models = ground.client.get("/v1/models").json()
    assert models["models"][0]["name"] == "tiny-random"
    assert set(models["labels"]) == {str(label) for label in ScriptLabel}
    assert models["limits"]["max_upload_mb"] == 200
    assert ground.client.get("/healthz").status_code == ground.client.get("/readyz").status_code == 200
    with endpoint(is_ready=False) as starting:
        answer = starting.client.get("/readyz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_paths_and_types_that_there_are_not(ground: Ground, film: bytes) -> None:
    """Each with its code."""
    client = ground.client
    for answer, status, code in (
        (client.get("/nothing"), 404, "not_found"),
        (client.get("/demo/films/99.mp4"), 404, "not_found"),
        (client.get("/v1/narrations"), 405, "method_not_allowed"),
        (ground.narrate(film, "image/png"), 406, "not_acceptable"),
        (client.post("/v1/narrations", json={}), 415, "not_multipart"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_document_of_the_api_is_sound(ground: Ground) -> None:
    """OpenAPI, of all paths but those of the page; every answer of an error is a problem."""
    validator = pytest.importorskip("openapi_spec_validator")
    document = ground.client.get("/openapi.json").json()
    validator.validate(document)
    assert {
        "/v1/narrations",
        "/v1/narrations/{name}",
        "/v1/narrations/{name}/clips/{index}:rewrite",
        "/v1/jobs",
        "/v1/jobs/{name}",
        "/v1/jobs/{name}:cancel",
        "/v1/lengths",
        "/v1/subtitles",
        "/v1/models",
        "/healthz",
        "/readyz",
    } == set(document["paths"])
    answers = [
        answer for path in document["paths"].values() for how in path.values() for answer in how["responses"].items()
    ]
    assert all("application/problem+json" in answer["content"] for status, answer in answers if status[0] in "45")


def test_half_a_story_is_an_error(film: bytes) -> None:
    """A narrator that ends before the last clip has failed, whatever it says: no caller takes it for the whole."""

    class Brief:
        async def narrate(
            self, item: WorkItem, job: NarrationJob
        ) -> AsyncGenerator[ClipLabels | ClipResult | Rejection]:
            async with aclosing(replicas()[1].narrate(item, job)) as telling:
                async for event in telling:
                    yield event
                    if isinstance(event, ClipResult):
                        return

    with endpoint(narrator=Brief()) as ground:
        answer = ground.narrate(film)
    assert answer.status_code == 500
    assert "narrations" not in answer.json()
