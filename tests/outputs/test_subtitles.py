"""Subtitle files: timing, and text that must not break the file."""

import html
import itertools
import re

import pysubs2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narrator_ray.outputs.subtitles import MIN_CUE_S, caption_cues, subtitles
from tests.outputs.samples import narration

LONG = "Meet the bottle for long days. " * 5 + "It is yours now."
HOSTILE = (
    "a --> b",
    "<i>slanted</i> <script>alert(1)</script> <00:00:01.000>",
    r"{\an8}top {\b1}bold \N new \h line",
    "one\n\n2\n00:00:01,000 --> 00:00:02,000\nfake cue",
    "WEBVTT\n\nNOTE hidden\n\nSTYLE\n::cue{}",
    "&lt;b&gt; &amp; &nbsp;",
    "bell\x07 null\x00 separator\u2028 escape\x1b lone\ud83d end",
)
VTT_TIME = r"\d\d:\d\d:\d\d\.\d{3}"


def parse_vtt(text):
    """A strict WebVTT reader: every block must be a numbered cue without tags; returns (start, end, lines)."""
    header, *blocks = text.rstrip("\n").split("\n\n")
    assert header == "WEBVTT"
    cues = []
    for number, block in enumerate(blocks, 1):
        identifier, timing, *payload = block.split("\n")
        assert identifier == str(number)
        start, end = re.fullmatch(rf"({VTT_TIME}) --> ({VTT_TIME})", timing).groups()
        assert payload
        assert all(line.strip() and "<" not in line and "-->" not in line for line in payload)
        cues.append((start, end, [html.unescape(line) for line in payload]))
    return cues


def shown_text(text):
    """What of a text can be shown on a screen."""
    spaced = " ".join(text.split())
    return re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "", spaced)


def test_srt_of_two_clips():
    """A short narration is one cue that lasts as long as its clip."""
    text = subtitles([narration("Cold all day.", 0, 2.5), narration("Yours today.", 2.5, 4)], "en", "srt")
    assert text == (
        "1\n00:00:00,000 --> 00:00:02,500\nCold all day.\n\n2\n00:00:02,500 --> 00:00:04,000\nYours today.\n\n"
    )


def test_vtt_has_its_header():
    """The WebVTT form of the same cues starts with the signature that browsers ask for."""
    assert subtitles([narration("Cold.")], "en", "vtt").startswith("WEBVTT\n\n1\n00:00:00.000 --> 00:00:04.000\nCold.")


def test_cues_are_in_order_of_time():
    """Clips that come in another order are sorted."""
    cues = caption_cues([narration("second", 4, 8), narration("first", 0, 4)], "en")
    assert [cue.lines for cue in cues] == [("first",), ("second",)]


def test_long_narration_shares_its_time_by_length():
    """Several cues fill their clip without a gap, and the longer one is shown longer."""
    cues = caption_cues([narration(LONG, 1, 11)], "en")
    assert len(cues) > 1
    assert (cues[0].start_ms, cues[-1].end_ms) == (1000, 11000)
    assert all(left.end_ms == right.start_ms for left, right in itertools.pairwise(cues))
    rates = [sum(map(len, cue.lines)) / (cue.end_ms - cue.start_ms) for cue in cues]
    assert max(rates) < 1.01 * min(rates)


def test_every_cue_is_shown_long_enough():
    """A stub at the end gets the least time a reader needs, taken from the longer cues."""
    cues = caption_cues([narration("word " * 33 + "end. No.", 0, 6)], "en")
    assert min(cue.end_ms - cue.start_ms for cue in cues) >= MIN_CUE_S * 1000 - 1


def test_clip_too_short_for_its_cues_divides_evenly():
    """Where there is not enough time for all, all get the same and the order stays."""
    cues = caption_cues([narration(LONG, 0, 0.9)], "en")
    durations = [cue.end_ms - cue.start_ms for cue in cues]
    assert max(durations) - min(durations) <= 1


@pytest.mark.parametrize("text", ["", " \n ", "\x00"])
def test_blank_narration_has_no_cue(text):
    """Nothing to show is no cue, and the file is still valid."""
    assert caption_cues([narration(text)], "en") == []
    assert parse_vtt(subtitles([narration(text)], "en", "vtt")) == []


def test_times_are_rounded_into_the_clip():
    """Milliseconds are rounded inwards, so that the cues of neighbouring clips do not overlap."""
    first, second = caption_cues([narration("a", 0, 1 / 3), narration("b", 1 / 3, 2 / 3)], "en")
    assert (first.end_ms, second.start_ms, second.end_ms) == (333, 334, 666)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_shown_as_it_is_in_vtt(hostile):
    """Tags, arrows, escapes and blank lines in a text end up on the screen, not in the file's structure."""
    cues = parse_vtt(subtitles([narration(hostile, 0, 9), narration("after", 9, 12)], "en", "vtt"))
    assert cues[-1] == ("00:00:09.000", "00:00:12.000", ["after"])
    shown = "".join("".join(lines) for _, _, lines in cues[:-1])
    assert shown.replace(" ", "") == shown_text(hostile).replace(" ", "")


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("format", ["srt", "vtt"])
def test_hostile_text_does_not_break_the_file(hostile, format):
    """Read back by another parser, the file has the same cues at the same times, and no styles."""
    narrations = [narration(hostile, 0, 9), narration("after", 9, 12)]
    events = list(pysubs2.SSAFile.from_string(subtitles(narrations, "en", format), format_=format))
    assert [(event.start, event.end) for event in events] == [
        (cue.start_ms, cue.end_ms) for cue in caption_cues(narrations, "en")
    ]
    assert events[-1].text == "after"
    assert not any("{\\" in event.text for event in events)


@settings(deadline=None)
@given(st.lists(st.text(max_size=300), max_size=4), st.sampled_from(["en", "zh"]))
def test_any_text_gives_a_valid_file(texts, language):
    """Whatever is narrated, the file can be parsed, stays in its clips and can be stored."""
    narrations = [narration(text, 3 * place, 3 * place + 3, place) for place, text in enumerate(texts)]
    text = subtitles(narrations, language, "vtt")
    text.encode("utf-8")
    parse_vtt(text)
    cues = caption_cues(narrations, language)
    assert all(left.end_ms <= right.start_ms for left, right in itertools.pairwise(cues))
    assert all(cue.start_ms // 3000 == (cue.end_ms - 1) // 3000 for cue in cues)
