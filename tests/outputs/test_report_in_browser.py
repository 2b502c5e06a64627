"""The report page, opened in a browser: captions, filter, keys, and that nothing hostile runs."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from narrator_ray.outputs.report import EmbeddedMedia, LinkedMedia, ReportFrame, render_report
from tests.outputs.chromium import EXECUTABLE, chromium
from tests.outputs.samples import HOSTILE_TEXTS, narration, run_report, shown_video

pytestmark = pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> bytes:
    """Six seconds of WebM that every Chromium can play."""
    path = tmp_path_factory.mktemp("film") / "film.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in range(24):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * shade, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path.read_bytes()


@pytest.fixture
def browser(tmp_path):
    """A page of a fresh browser."""
    with chromium(tmp_path / "profile") as page:
        yield page


def write_page(directory: Path, *videos) -> Path:
    """The report of those videos as a file."""
    path = directory / "report.html"
    path.write_text(render_report(run_report(*videos)), encoding="utf-8")
    return path


def test_captions_follow_the_video(tmp_path, browser, film):
    """Seeking into a clip shows its caption and marks its card and its place on the timeline."""
    clips = (narration("First <b> & words.", 0, 3, 0), narration("Second words.", 3, 6, 1))
    video = replace(shown_video(), narrations=clips, duration_s=6.0, media=EmbeddedMedia(film, "video/webm"))
    page = write_page(tmp_path, video)
    browser.open(page)
    browser.run(
        "new Promise((done) => { const v = document.querySelector('video'); v.onseeked = done; v.currentTime = 4 })"
    )
    browser.run("new Promise((done) => setTimeout(done, 300))")
    track = "document.querySelector('video').textTracks[0]"
    assert browser.run(f"[...{track}.cues].map((cue) => cue.getCueAsHTML().textContent)") == [
        "First <b> & words.",
        "Second words.",
    ]
    assert browser.run(f"[{track}.mode, {track}.activeCues[0].text]") == ["showing", "Second words."]
    assert browser.run("document.querySelector('.clip.current b').textContent") == "2"
    assert browser.run("document.querySelector('.timeline [aria-current]').textContent") == "2"
    assert browser.requests == [page.as_uri()]
    assert browser.messages == []


def test_linked_video_plays(tmp_path, browser, film):
    """A video beside the page is found by its relative address."""
    (tmp_path / "my film.webm").write_bytes(film)
    browser.open(write_page(tmp_path, replace(shown_video(), media=LinkedMedia("my%20film.webm"))))
    wait = "v.readyState ? done() : v.onloadedmetadata = done"
    browser.run(f"new Promise((done) => {{ const v = document.querySelector('video'); {wait} }})")
    assert browser.run("document.querySelector('video').videoWidth") == 64


def test_filter_and_keys(tmp_path, browser):
    """Search narrows the list to what holds all words, and J opens the next video of that list."""
    names = ("Aurora bottle", "Meadow lamp", "Meadow chair")
    browser.open(write_page(tmp_path, *(shown_video(name=name) for name in names)))
    search = "document.getElementById('filter-text')"
    browser.run(f"{search}.value = 'MEADOW cold'; {search}.dispatchEvent(new Event('input', {{bubbles: true}}))")
    assert browser.run("document.getElementById('filter-count').textContent") == "2 of 3 videos"
    assert browser.run("document.querySelectorAll('#video-list li:not([hidden])').length") == 2
    title = "document.querySelector('#video h2').textContent"
    assert browser.run(title) == "Aurora bottle"
    press_j = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', bubbles: true}))"
    browser.run(press_j)
    assert browser.run(title) == "Meadow lamp"
    browser.run(press_j)
    assert browser.run(title) == "Meadow chair"


def test_nothing_hostile_runs(tmp_path, browser):
    """Names, texts, facts and addresses made to run as code are shown as text in every part of the page."""
    frame = ReportFrame(0, 0.0, b"not a jpeg", is_kept=True)
    videos = [replace(shown_video(text, name=text), video_id=text, frames=(frame,)) for text in HOSTILE_TEXTS]
    videos.append(replace(shown_video(), media=LinkedMedia("javascript:document.title='pwned'")))
    videos.append(replace(shown_video(), media=LinkedMedia("https://example.invalid/film.mp4")))
    page = write_page(tmp_path, *videos)
    browser.open(page)
    for index, text in enumerate(HOSTILE_TEXTS):
        browser.run(f"document.querySelectorAll('#video-list button')[{index}].click()")
        assert browser.run("document.querySelector('#video h2').textContent") == text
        assert browser.run("document.querySelector('.narration').textContent") == text
    for index in (len(videos) - 2, len(videos) - 1):
        browser.run(f"document.querySelectorAll('#video-list button')[{index}].click()")
    assert browser.run("document.title") == "Narrations run-1"
    assert (
        browser.run("document.querySelectorAll('#video script, #video img[onerror], #video-list script').length") == 0
    )
    assert browser.requests == [page.as_uri()]
    assert browser.messages == []
