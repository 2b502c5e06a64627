"""The report page, read as a file: what it holds, and that nothing in it can break out."""

import base64
import hashlib
import html
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from narrator_ray.errors import RejectReason
from narrator_ray.outputs.report import EmbeddedMedia, LinkedMedia, ReportFrame, render_report, report_video
from narrator_ray.records import Clip, Rejection
from narrator_ray.schema import VideoFeatures
from tests.outputs.samples import HOSTILE_TEXTS, narrated_video, narration, run_report, shown_video


def blocks_of(page):
    """The JSON blocks of a page by their id, as a browser's parser finds them."""
    found = re.findall(r'<script type="application/json" id="([^"]+)">(.*?)</script>', page, re.DOTALL)
    return {name: json.loads(text) for name, text in found}


def first_video(page):
    """What the page's script knows of the first video."""
    return blocks_of(page)["run-data"]["videos"][0]


def test_summary_is_in_the_page():
    """Run, model, settings, stages and counts can be read without any script."""
    page = render_report(run_report(shown_video(), num_reused=7))
    for text in ("run-1", "nano", "A small model.", "preset: nano", "3.25", "2026-03-04 09:12 UTC", "took 90 s"):
        assert text in page
    assert re.search(r"From earlier runs</dt><dd>7 ", page)
    assert "100%" in page


@pytest.mark.parametrize("is_trained", [True, False])
def test_untrained_model_is_declared(is_trained):
    """The page of an untrained model says that it has not looked; that of a trained one does not."""
    banner = "This model's visual part is not trained: it writes from product data alone."
    assert (banner in render_report(run_report(shown_video(), is_trained=is_trained))) is not is_trained


def test_rejections_are_listed():
    """Every rejected video stands there with stage, reason and detail."""
    page = render_report(run_report())
    for text in ("shop-9", "/v/9.mp4", "sample frames", "video empty", "The file is empty."):
        assert text in page


def test_clean_run_has_no_rejection_section():
    """A run without rejections does not show an empty table."""
    assert 'id="rejected"' not in render_report(run_report(shown_video(), rejections=()))


def test_run_that_only_reused_says_so():
    """A run that had nothing to do has no stage table but a sentence."""
    page = render_report(run_report(shown_video(), stages=()))
    assert "nothing was decoded, encoded or generated" in page
    assert "Busy seconds" not in page


def test_page_that_shows_a_part_says_so():
    """When more videos were narrated than are shown, the page does not pretend to be complete."""
    assert "This page shows 1 of 3 narrated videos" in render_report(run_report(shown_video(), num_narrated=3))


def test_charts_per_language():
    """Words and characters are never drawn on one axis."""
    page = render_report(run_report(shown_video(), shown_video("保湿锁水", language="zh")))
    assert "Speaking rate, English" in page
    assert "Speaking rate, Chinese" in page


def test_clip_data():
    """The script gets labels, window, captions, and the text with its numbers marked."""
    video = first_video(render_report(run_report(shown_video("Cold for 24 hours, 3 lids."))))
    [clip] = video["clips"]
    assert [text for text, _ in clip["parts"]] == ["Cold for ", "24", " hours, ", "3", " lids."]
    assert [kind for _, kind in clip["parts"]] == ["text", "known", "text", "unknown", "text"]
    assert (clip["min_words"], clip["num_words"], clip["max_words"], clip["is_in_window"]) == (1, 6, 30, True)
    assert video["cues"] == [[0.0, 4.0, "Cold for 24 hours, 3 lids."]]


def test_used_knowledge_is_marked():
    """Facts that a narration mentions carry the places of its clips."""
    video = first_video(render_report(run_report(shown_video("It keeps drinks cold for 24 hours."))))
    assert [item["used_in"] for item in video["knowledge"]] == [[0], []]


def test_embedded_media_and_frames():
    """An embedded video and its pictures come back byte for byte, in blocks of their own."""
    media, frame = EmbeddedMedia(b"\x00film</script>", "video/webm"), ReportFrame(0, 1.5, b"\xff\xd8jpeg", is_kept=True)
    page = render_report(run_report(replace(shown_video(), media=media, frames=(frame,))))
    blocks = blocks_of(page)
    assert base64.b64decode(blocks["media-0"]) == media.data
    assert blocks["frames-0"] == [[0, 1.5, True, base64.b64encode(frame.jpeg).decode()]]
    assert first_video(page)["media"] == {"kind": "embedded", "mime": "video/webm"}


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("clips/a.mp4", "local"),
        ("file:///a.mp4", "local"),
        ("https://example.com/a.mp4", "remote"),
        ("s3://bucket/a.mp4", "elsewhere"),
        ("javascript:alert(1)", "elsewhere"),
        ("data:text/html,x", "elsewhere"),
        ("//example.com/a.mp4", "elsewhere"),
    ],
)
def test_only_local_videos_may_play(uri, kind):
    """Addresses are sorted so that the page plays what is on disk and requests nothing else."""
    page = render_report(run_report(replace(shown_video(), media=LinkedMedia(uri))))
    assert first_video(page)["media"]["kind"] == kind


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
def test_hostile_text_stays_text(hostile):
    """Whatever a catalogue holds, no element is made of it and the script reads it unchanged."""
    plain = render_report(run_report(shown_video()))
    rejection = Rejection(hostile, hostile, hostile, RejectReason.VIDEO_EMPTY, hostile)
    video = replace(shown_video(hostile, name=hostile), video_id=hostile, notes=(hostile,), decoder=hostile)
    changes = {"run_id": hostile, "model": hostile, "model_description": hostile, "config_yaml": hostile}
    page = render_report(run_report(video, rejections=(rejection,), **changes))
    assert page.count("<script") == plain.count("<script")
    assert page.count("<img") == plain.count("<img")
    assert first_video(page)["name"] == hostile
    assert html.escape(hostile, quote=False).replace("'", "&#39;").replace('"', "&#34;") in page


def test_policy_allows_only_this_page():
    """The policy names the hashes of exactly the script and style in the page, and no host."""
    page = render_report(run_report(shown_video()))
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', page).group(1))
    assert policy.startswith("default-src 'none'; ")
    for kind in ("script", "style"):
        content = re.search(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not re.search(r"unsafe|https?:|\*", policy)


def test_page_refers_to_nothing_outside():
    """No tag, style or script names an address on a network."""
    assert not re.search(r"https?://|@import|url\(", render_report(run_report(shown_video())))


def test_empty_run():
    """A run in which every video was rejected still has a page."""
    assert blocks_of(render_report(run_report()))["run-data"]["videos"] == []


def test_frames_from_features():
    """Frames that were left after compression are told from those that were dropped, clip by clip."""
    result = replace(narrated_video(), narrations=(narration("a", 0, 2, 0), narration("b", 2, 4, 1)))
    features = VideoFeatures(
        clips=(Clip(0, 2), Clip(2, 4)),
        clip_index_T=np.array([0, 0, 1, 1], np.int32),
        time_s_T=np.array([0.0, 1.0, 2.0, 3.0]),
        tokens_TQD=np.zeros((4, 1, 1), np.float16),
        thumbnails_jpeg=(b"a", b"b", b"c", b"d"),
        duration_s=4.0,
        fps=1.0,
        decoder="decord",
        encoder_fingerprint="e",
        source_version="s",
    )
    frames = report_video(result, features, None).frames
    assert [(frame.clip_index, frame.time_s, frame.is_kept) for frame in frames] == [
        (0, 0.0, True),
        (0, 1.0, False),
        (1, 2.0, True),
        (1, 3.0, False),
    ]
    assert report_video(result, None, None).frames == ()
