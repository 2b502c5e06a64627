"""The rating sheet in a browser: rated by keyboard, remembered, saved to a file that can be collected."""

import json
import time

import pytest

from narrator_ray.evaluation.narrated_clips import NarratedClip
from narrator_ray.evaluation.rating_sheet import make_sheet
from narrator_ray.evaluation.ratings import read_ratings
from narrator_ray.outputs.rating_page import render_sheet
from narrator_ray.records import Clip, Product, Video
from tests.outputs.chromium import EXECUTABLE, chromium
from tests.outputs.samples import HOSTILE_TEXTS

pytestmark = pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium on this machine")
PRESS = "document.body.dispatchEvent(new KeyboardEvent('keydown', {{key: '{}', bubbles: true, cancelable: true}}))"


def test_stories_are_rated_by_keyboard_and_saved(tmp_path):
    """Marks go to the scale at hand; the saved file is what the collector reads; nothing is requested or run."""
    video = Video("v", "s3://nowhere/v.mp4", Product(HOSTILE_TEXTS[0]), "en", (Clip(0, 2),))
    systems = {name: [NarratedClip("v", 0, HOSTILE_TEXTS[2], None)] for name in ("one", "two")}
    sheet, key = make_sheet(systems, [video])
    (tmp_path / "key.json").write_text(json.dumps(key))
    page = tmp_path / "sheet.html"
    page.write_text(render_sheet(sheet), encoding="utf-8")
    with chromium(tmp_path / "profile") as browser:
        browser.allow_downloads(tmp_path)
        browser.open(page)
        for pressed in ("3", "2", "0", "ArrowRight", "1", "ArrowUp", "1", "1", "1"):
            browser.run(PRESS.format(pressed))
        assert browser.run("document.getElementById('state').textContent").startswith("2 of 2 stories rated. All done")
        browser.run(PRESS.format("s"))
        assert "Write your name first" in browser.run("document.getElementById('state').textContent")
        browser.run("document.getElementById('rater').value = 'Ada L.'")
        browser.run("document.getElementById('save').click()")
        file = tmp_path / f"ratings-{sheet.sheet}-Ada-L-.json"
        deadline = time.monotonic() + 20
        while not file.is_file() and time.monotonic() < deadline:
            browser.run("new Promise((done) => setTimeout(done, 50))")
        assert browser.run("document.querySelector('h2').textContent") == HOSTILE_TEXTS[0]
        assert browser.run("document.querySelectorAll('#story script, #story img[onerror]').length") == 0
        assert browser.requests == [page.as_uri()]
        assert browser.messages == []
    (ratings,), _ = read_ratings([file], tmp_path / "key.json")
    first, second = (story.item for story in sheet.stories)
    assert ratings.rater == "Ada L."
    assert [ratings.marks[scale][first] for scale in ratings.marks] == [3, 2, 0]
    assert [ratings.marks[scale][second] for scale in ratings.marks] == [1, 1, 1]
