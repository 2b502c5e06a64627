"""Judges: asked side by side, again where they fail, never guessed at."""

import io
import json
from base64 import b64decode
from dataclasses import replace

import pytest
from PIL import Image

from narrator_ray.config import Config
from narrator_ray.evaluation.judge_prompts import LABEL_PROMPT
from narrator_ray.evaluation.narrated_clips import NarratedClip
from narrator_ray.evaluation.run import evaluate
from narrator_ray.evaluation.scores import NoScore, Score
from narrator_ray.evaluation.stories import JudgedStory, join
from narrator_ray.evaluation.tools import Tools
from narrator_ray.records import Clip, KnowledgePoint, Product, ScriptLabel, Video
from tests.evaluation.judge_server import judge_server
from tests.video_files import write_video

pytest.importorskip("openai", reason="the extra `judge` is not installed")
STORY_METRICS = ("judge_relevance", "judge_attractiveness", "judge_coherence", "judge_gm")


def stories(number: int = 6) -> tuple[JudgedStory, ...]:
    """Stories of two clips each; the second of every other one does not ask to buy, as its label wants."""
    videos = [
        Video(
            f"mug-{place}",
            "mug.mp4",
            Product("Red mug", (KnowledgePoint("effect", "keeps coffee hot"),)),
            "en",
            (Clip(0, 3), Clip(3, 6)),
            storyline=((ScriptLabel.PRODUCT_EFFECT,), (ScriptLabel.CALL_TO_ACTION,)),
            extra={"frame_captions": ["a red mug on a table", ["a hand", "a price tag"]]},
        )
        for place in range(number)
    ]
    narrated = [
        NarratedClip(video.video_id, clip, text, None)
        for place, video in enumerate(videos)
        for clip, text in enumerate((f"Hot for hours {place}.", f"Buy it {place}." if place % 2 else f"Nice {place}."))
    ]
    return join(narrated, videos).stories


def text_of(request: dict) -> str:
    """What the judge is given to read."""
    return "\n".join(part["text"] for part in request["messages"][1]["content"] if part["type"] == "text")


def honest(request: dict) -> str:
    """An answer by rules that a test can follow."""
    text = text_of(request)
    if request["messages"][0]["content"] == LABEL_PROMPT:
        return json.dumps({"follows": "call to action" not in text or "Buy" in text})
    return json.dumps({"relevance": 3, "attractiveness": 2 if "Buy" in text else 1, "coherence": 3})


def tools(judge, **settings) -> Tools:
    """What asks that endpoint."""
    known = {"base_url": judge.base_url, "model": "m", "timeout_s": 30, "max_concurrent": 4}
    return Tools(config=Config.model_validate({"judge": known | settings}))


def scores(found: list) -> dict[str, Score]:
    """By metric; there must be no reason why there is none."""
    assert not any(isinstance(item, NoScore) for item in found), found
    return {item.metric: item for item in found}


def test_stories_are_rated_and_labels_checked():
    """Half of the calls to action ask to buy; the geometric mean is that of the means."""
    with judge_server(honest) as judge:
        found = scores(evaluate(stories(), ("judge_label", *STORY_METRICS), tools(judge, price_in=1e6, price_out=0)))
        assert judge.most_at_once in (2, 3, 4)
        assert judge.keys == {"Bearer none"}
    assert found["judge_label"].value == pytest.approx(9 / 12)
    assert found["judge_label"].items["mug-0_1"] == 0
    assert found["judge_attractiveness"].value == pytest.approx(1.5)
    assert found["judge_gm"].value == pytest.approx((3 * 1.5 * 3) ** (1 / 3))
    details = found["judge_label"].details
    assert details["prompt"] == LABEL_PROMPT
    assert (details["usage"]["asked"], details["usage"]["tokens_in"], details["usage"]["tokens_out"]) == (12, 132, 84)
    assert details["usage"]["cost"] == pytest.approx(132)


def test_the_judge_reads_product_captions_and_narrations_and_answers_by_schema():
    """One question for a story, in the order of its clips."""
    with judge_server(honest) as judge:
        evaluate(stories(1), ("judge_gm",), tools(judge))
    (request,) = judge.requests
    text = text_of(request)
    told = ("Red mug", "keeps coffee hot", "a red mug on a table", "Hot for hours 0.", "a hand; a price tag", "Nice")
    order = [text.index(part) for part in told]
    assert order == sorted(order)
    schema = request["response_format"]["json_schema"]
    assert schema["strict"] and schema["schema"]["additionalProperties"] is False
    assert schema["schema"]["properties"]["relevance"]["enum"] == [0, 1, 2, 3]


def test_a_judge_that_sees_is_shown_a_picture_of_each_clip(tmp_path):
    """In the place of captions; a story whose video cannot be decoded is left out."""
    film = write_video(tmp_path / "film.mp4", times_s=[place / 4 for place in range(24)])
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    seen = [
        replace(story, video=replace(story.video, uri=str(uri), extra={}))
        for story, uri in zip(stories(2), (film, tmp_path / "broken.mp4"), strict=True)
    ]
    with judge_server(honest) as judge:
        found = scores(evaluate(seen, ("judge_gm", "judge_relevance"), tools(judge, sees="frames")))
    assert list(found["judge_relevance"].items) == ["mug-0"]
    assert found["judge_gm"].num_left_out == 1
    (request,) = judge.requests
    pictures = [part["image_url"]["url"] for part in request["messages"][1]["content"] if part["type"] == "image_url"]
    assert len(pictures) == 2
    jpegs = [b64decode(picture.removeprefix("data:image/jpeg;base64,")) for picture in pictures]
    assert [Image.open(io.BytesIO(jpeg)).size for jpeg in jpegs] == [(224, 224)] * 2
    assert jpegs[0] != jpegs[1]


def test_busy_broken_and_silent_endpoints_are_asked_again():
    """Every question is answered in the end, and the repetitions are counted."""
    with judge_server(honest) as judge:
        judge.faults.extend([429, 503, "hang", "drop", 500])
        found = scores(evaluate(stories(), ("judge_label",), tools(judge, timeout_s=2)))["judge_label"]
    assert found.value == pytest.approx(9 / 12)
    usage = found.details["usage"]
    assert (usage["asked"], usage["failed"], usage["malformed"]) == (12, 0, 0)
    assert usage["retries"] == len(judge.requests) - 12 >= 5


@pytest.mark.parametrize(
    "answer",
    [
        "I think 3",
        '{"relevance": 4, "attractiveness": 1, "coherence": 1}',
        '{"relevance": "3", "attractiveness": 1, "coherence": 1}',
        '{"relevance": 2.5, "attractiveness": 1, "coherence": 1}',
        '{"relevance": true, "attractiveness": 1, "coherence": 1}',
        '{"relevance": 3, "attractiveness": 1}',
        '{"relevance": 3, "attractiveness": 1, "coherence": 1, "extra": 0}',
        "",
    ],
)
def test_malformed_answers_are_counted_and_left_out(answer):
    """Not asked again, not guessed at, not kept."""
    with judge_server(lambda request: answer if "Hot for hours 2." in text_of(request) else honest(request)) as judge:
        found = scores(evaluate(stories(), STORY_METRICS, tools(judge)))
    assert "mug-2" not in found["judge_relevance"].items
    assert found["judge_relevance"].num_left_out == 1
    assert found["judge_gm"].details["usage"]["malformed"] == 1
    assert len(judge.requests) == 6


def test_an_answer_that_is_no_completion_is_malformed():
    """The endpoint is not what it says it is."""
    with judge_server(honest) as judge:
        judge.faults.append("garbage")
        found = scores(evaluate(stories(), ("judge_label",), tools(judge)))["judge_label"]
    assert found.details["usage"]["malformed"] == 1
    assert len(found.items) == 11


def test_a_question_without_answer_is_left_out_and_all_of_them_are_no_score():
    """After as many attempts as allowed."""
    with judge_server(honest) as judge:
        judge.faults.extend([500] * 2)
        found = scores(evaluate(stories(1), ("judge_label",), tools(judge, max_attempts=2, max_concurrent=1)))
        assert found["judge_label"].details["usage"]["failed"] == 1
        assert len(found["judge_label"].items) == 1
        judge.faults.extend([500] * 20)
        (none,) = evaluate(stories(2), ("judge_label",), tools(judge, max_attempts=2))
    assert "answered none of 4 questions" in none.reason
    assert "fault 500" in none.reason


def test_a_refusal_is_no_score_at_once():
    """A wrong key is not tried again for every clip."""
    with judge_server(honest) as judge:
        judge.faults.extend([401] * 20)
        (none,) = evaluate(stories(), ("judge_label",), tools(judge, max_concurrent=1))
    assert "refuses" in none.reason and "fault 401" in none.reason
    assert len(judge.requests) == 1


def test_answers_are_kept_by_what_was_asked(tmp_path, monkeypatch):
    """A second evaluation asks only what changed; malformed answers are asked for again; keys come from outside."""
    monkeypatch.setenv("JUDGE_KEY", "secret")
    settings = {"cache": str(tmp_path / "answers"), "api_key_variable": "JUDGE_KEY"}
    with judge_server(lambda request: "no" if "Nice 0." in text_of(request) else honest(request)) as judge:
        evaluate(stories(), ("judge_label",), tools(judge, **settings))
        assert len(judge.requests) == 12 and judge.keys == {"Bearer secret"}
        first = stories()[1]
        clips = (replace(first.clips[0], narration="Another."), first.clips[1])
        changed = [stories()[0], replace(first, clips=clips), *stories()[2:]]
        found = scores(evaluate(changed, ("judge_label",), tools(judge, **settings)))["judge_label"]
    assert len(judge.requests) == 14
    assert (found.details["usage"]["cached"], found.details["usage"]["asked"]) == (10, 2)
    assert not any(b"secret" in file.read_bytes() for file in (tmp_path / "answers").rglob("*.json"))


def test_what_is_missing_is_said():
    """No endpoint, or rows that do not say what their clips show."""
    (none,) = evaluate(stories(), ("judge_label",), Tools())
    assert "judge.base_url" in none.reason
    bare = [replace(story, video=replace(story.video, extra={})) for story in stories()]
    with judge_server(honest) as judge:
        (none,) = evaluate(bare, ("judge_gm",), tools(judge))
    assert "mug-0: needs extra.frame_captions" in none.reason
    assert judge.requests == []
