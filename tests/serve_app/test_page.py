"""The page in Debian's Chromium: the whole way of a film, in both languages, by keyboard, and when things go wrong."""

import json
import re
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from serve_app.page_files import page_files
from tests.serve_app.ground import application, site

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium on this machine"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
PATIENCE_MS = 60_000


class Watched:
    """A page, and what it complains of.

    Attributes:
        page: Of playwright.
        complaints: Errors of its script and of its console.
        requests: Addresses that it asked.
    """

    def __init__(self, page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("request", lambda request: self.requests.append(request.url))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the endpoint is served, without Serve."""
    with application() as app, site(app) as place:
        yield place


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """One browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def watched(chromium, address: str) -> Iterator[Watched]:
    """A fresh page, opened."""
    context = chromium.new_context(viewport={"width": 1300, "height": 860}, locale="en-US", accept_downloads=True)
    opened = Watched(context.new_page())
    opened.page.goto(address)
    opened.page.wait_for_selector("#demos button")
    yield opened
    context.close()


def fill(page, film_path: Path) -> None:
    """A film and its product."""
    page.set_input_files("#video", str(film_path))
    page.fill("#name", "Sunny <b>mug</b>")
    page.fill("#facts", "effect: keeps tea warm\nprice: 9 dollars\ndishwasher-safe")


def says(page, place: str, text: str) -> None:
    """Waits until a text is there; the page's security policy lets no script be made of strings."""
    from playwright.sync_api import expect

    expect(page.locator(f"#{place}")).to_contain_text(text, timeout=PATIENCE_MS)


def narrate(page, film_path: Path) -> None:
    """Up to the end."""
    fill(page, film_path)
    page.click("#go")
    page.wait_for_selector("#tools:not([hidden])")


def test_the_whole_journey(watched: Watched, film_path: Path, address: str, tmp_path: Path) -> None:
    """A film is narrated, captioned, edited, rewritten and taken home; nothing is loaded from elsewhere."""
    page = watched.page
    narrate(page, film_path)
    assert page.locator(".clip[data-state=done]").count() == 3
    assert page.text_content("#product-title") == "Sunny <b>mug</b>"
    texts = [page.locator(".clip textarea").nth(place).input_value() for place in range(3)]
    assert all(texts)
    cues = page.evaluate("[...document.querySelector('video').textTracks[0].cues].map((cue) => [cue.id, cue.text])")
    for place, text in enumerate(texts):
        own = " ".join(cue for name, cue in cues if name.startswith(f"{place}."))
        assert re.sub(r"\s", "", own) == re.sub(r"\s", "", text)
    page.locator(".timeline button").nth(1).click()
    page.wait_for_selector(".clip:nth-child(2).current")
    assert page.evaluate("document.querySelector('video').currentTime") == pytest.approx(2.0, abs=0.1)

    first = page.locator(".clip").nth(0)
    before = first.locator(".verdict").inner_text()
    first.locator("textarea").fill("One two three four five six seven eight nine ten eleven twelve.")
    page.wait_for_selector(".clip:nth-child(1) .length.out")
    assert "12 words" in first.locator(".verdict").inner_text() != before
    assert "twelve" in page.evaluate(
        "[...document.querySelector('video').textTracks[0].cues].map((c) => c.text).join()"
    )

    third = page.locator(".clip").nth(2)
    third.locator("select").select_option("call_to_action")
    says(page, "status", "rewritten")
    assert third.locator(".chip").all_inner_texts() == ["call to action"]
    assert third.locator("textarea").input_value() not in ("", texts[2])
    assert first.locator("textarea").input_value().endswith("twelve.")

    taken = {}
    for kind in ("srt", "vtt", "json"):
        with page.expect_download() as download:
            page.click(f"[data-download={kind}]")
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        taken[path.suffix] = path.read_text(encoding="utf-8")
    assert "eleven twelve." in taken[".srt"].replace("\n", " ")
    assert taken[".vtt"].startswith("WEBVTT")
    narrations = json.loads(taken[".json"])["narrations"]
    assert narrations[0]["is_edited"] and not narrations[0]["is_in_window"]
    assert narrations[2]["script_labels"] == ["call_to_action"]
    assert watched.complaints == []
    assert all(url.startswith((address, "blob:", "data:")) for url in watched.requests)


def test_the_page_in_chinese(watched: Watched, film_path: Path) -> None:
    """Everything it says, whatever has been narrated meanwhile stays; remembered for the next visit."""
    page = watched.page
    narrate(page, film_path)
    text = page.locator(".clip textarea").nth(0).input_value()
    page.select_option("#interface", "zh")
    assert page.inner_text("#again") == "新视频"
    assert "个镜头已完成" in page.inner_text("#status")
    assert page.locator(".clip textarea").nth(0).input_value() == text
    assert page.get_attribute("html", "lang") == "zh"
    page.reload()
    page.wait_for_selector("#demos button")
    assert page.inner_text("#go") == "生成解说"
    assert not re.search(r"[A-Za-z]{4,}", page.inner_text(".intro"))
    assert watched.complaints == []


def test_by_keyboard_alone(watched: Watched, film_path: Path) -> None:
    """From the form to a caption: focus is where it is needed, and arrows move between clips."""
    page = watched.page
    page.set_input_files("#video", str(film_path))
    page.focus("#name")
    page.keyboard.type("Mug")
    page.keyboard.press("Enter")
    page.wait_for_selector("#tools:not([hidden])")
    page.locator("#clips").evaluate("document.activeElement.blur()")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.wait_for_selector(".clip:nth-child(2).current")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".clip:nth-child(1).current")
    assert page.get_attribute("#status", "role") == "status"
    assert watched.complaints == []


def test_nothing_serious_for_screen_readers(watched: Watched, film_path: Path) -> None:
    """What axe finds, empty and with a result, in both colour schemes."""
    page = watched.page
    script = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    states = [lambda: None, lambda: narrate(page, film_path)]
    page.emulate_media(reduced_motion="reduce")
    for reach in states:
        reach()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.evaluate(script)
            found = page.evaluate("axe.run()")["violations"]
            assert [(item["id"], item["nodes"][0]["html"]) for item in found] == []


def test_what_is_missing_or_wrong_is_said_where_it_is(watched: Watched, tmp_path: Path, film_path: Path) -> None:
    """By the page itself, and by the server; the form keeps what it has."""
    page = watched.page
    page.click("#go")
    assert page.inner_text("#video-problem") == "Choose a video first."
    (tmp_path / "notes.mp4").write_text("no video at all " * 10)
    page.set_input_files("#video", str(tmp_path / "notes.mp4"))
    page.click("#go")
    assert page.inner_text("#product-problem") == "Say what the product is called."
    page.fill("#name", "Mug")
    page.click("#go")
    says(page, "video-problem", "begin like a video")
    assert page.input_value("#name") == "Mug"
    page.set_input_files("#video", str(film_path))
    page.fill("#facts", '{"colour": 7}')
    page.click("#go")
    says(page, "product-problem", "expected text")


def test_a_server_that_is_gone(chromium, film_path: Path) -> None:
    """It is said; texts stay; when it is back the page goes on by itself."""
    context = chromium.new_context(locale="en-US")
    opened = Watched(context.new_page())
    with application() as app, site(app) as place:
        opened.page.goto(place)
        opened.page.wait_for_selector("#demos button")
        fill(opened.page, film_path)
        context.set_offline(True)
        opened.page.click("#go")
        says(opened.page, "status", "Try again")
        opened.page.click("#again")
        assert opened.page.input_value("#name") == "Sunny <b>mug</b>"
        context.set_offline(False)
        opened.page.click("#go")
        opened.page.wait_for_selector("#tools:not([hidden])")
    context.close()


def test_cancelling(watched: Watched, film_path: Path) -> None:
    """Ends the request, and a new video can be chosen."""
    page = watched.page
    page.route("**/v1/narrations", lambda route: None)
    fill(page, film_path)
    page.click("#go")
    page.click("#cancel")
    says(page, "status", "Cancelled.")
    page.unroute_all()
    page.click("#again")
    assert page.is_visible("#form")


def test_a_film_of_ours(watched: Watched) -> None:
    """Drawn on the spot, with its product."""
    page = watched.page
    page.locator("#demos button").nth(0).click()
    page.wait_for_selector(".drop.full")
    assert page.input_value("#name") == page.locator("#demos button").nth(0).inner_text()
    assert ": " in page.input_value("#facts")
    assert watched.complaints == []


def test_the_page_is_small() -> None:
    """All of it, as it is sent."""
    assert sum(len(content) for content, _ in page_files().values()) < 80_000
