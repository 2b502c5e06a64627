"""The book of attempts: who is suspected of what, and when it is proven."""

import pytest

from narrator_ray.stages.attempts import MOST_DEATHS, AttemptBook, Suspicion

STAGE = "narrate_clips"
HERE, THERE = "node 1", "node 2"


@pytest.fixture
def live_nodes() -> set[str]:
    """Nodes that are alive; a test may take one away."""
    return {HERE, THERE}


@pytest.fixture
def book(live_nodes) -> AttemptBook:
    """An empty book."""
    return AttemptBook(lambda: live_nodes)


def test_what_is_finished_with_is_forgotten(book):
    """A video may be begun as often as it likes, as long as its process lives to say so."""
    for _ in range(5):
        assert book.begin(STAGE, ["a", "b"], HERE) == {}
        book.end(STAGE, ["a", "b"])
    assert book.num_begun_again == 0


def test_what_was_begun_and_not_finished_with_is_suspected(book):
    """All that were together; not those that had been finished with, and in no other stage."""
    book.begin(STAGE, ["a", "b", "c"], HERE)
    book.end(STAGE, ["a"])
    assert book.begin("encode_features", ["b"], HERE) == {}
    assert book.begin(STAGE, ["a", "b", "c", "d"], HERE) == {"b": Suspicion(1, 3), "c": Suspicion(1, 3)}
    assert book.num_begun_again == 2


def test_asking_again_accuses_nobody(book):
    """A process that asks has begun nothing; one that dies between asking and beginning is no new evidence."""
    book.begin(STAGE, ["a"], HERE)
    assert book.begin(STAGE, ["a"], HERE) == book.begin(STAGE, ["a"], HERE) == {"a": Suspicion(1, 1)}


def test_a_lost_node_counts_half(book, live_nodes):
    """Machines are taken away for reasons that have nothing to do with videos."""
    book.begin(STAGE, ["a"], THERE)
    live_nodes.remove(THERE)
    assert book.begin(STAGE, ["a"], HERE) == {"a": Suspicion(0.5, 1)}


def test_the_culprit_is_found_in_few_deaths(book):
    """64 videos, then parts of 8, then one by one; the innocent leave the book as they are finished with."""
    videos = [f"v{number}" for number in range(64)]
    deaths = 0
    held = book.begin(STAGE, videos, HERE)
    while not (held and held["v9"].is_proven):
        size = held["v9"].part_videos if held else len(videos)
        suspects = [video for video in videos if not held or video in held]
        for start in range(0, len(suspects), size):
            part = suspects[start : start + size]
            book.begin_anyway(STAGE, part, HERE)
            if "v9" in part:
                deaths += 1
                break
            book.end(STAGE, part)
        held = book.begin(STAGE, videos, HERE)
    assert deaths == 3


@pytest.mark.parametrize(
    ("suspicion", "is_proven"),
    [
        (Suspicion(MOST_DEATHS, 1), True),
        (Suspicion(MOST_DEATHS, 2), False),
        (Suspicion(MOST_DEATHS - 0.5, 1), False),
        (Suspicion(9, 8), False),
    ],
)
def test_only_who_was_alone_is_given_up(suspicion, is_proven):
    """However often a video was near, it was not proven while others were."""
    assert suspicion.is_proven is is_proven
