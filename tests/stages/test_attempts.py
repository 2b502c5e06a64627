"""The book of attempts: who is suspected of what, and when it is proven."""

import pytest

from narrator_ray.stages.attempts import MOST_DEATHS, AttemptBook, Process, Suspicion

STAGE = "narrate_clips"
HERE, THERE = "node 1", "node 2"


def process(number: int, node_id: str = HERE) -> Process:
    """One process of many."""
    return Process(f"worker {number}", node_id)


@pytest.fixture
def live_nodes() -> set[str]:
    """Nodes that are alive; a test may take one away."""
    return {HERE, THERE}


@pytest.fixture
def book(live_nodes) -> AttemptBook:
    """An empty book."""
    return AttemptBook(lambda: live_nodes)


def test_what_is_settled_is_forgotten(book):
    """A video may be begun as often as it likes, as long as its process lives to say so."""
    for number in range(5):
        assert book.attempt(STAGE, ["a", "b"], process(number)) == {}
        book.settle(STAGE, ["a", "b"])
    assert book.num_begun_again == 0


def test_all_that_a_dead_process_was_at_is_suspected(book):
    """Not what it had settled, nor what others are at; and in no other stage."""
    book.attempt(STAGE, ["a", "b"], process(1))
    book.attempt(STAGE, ["c"], process(1))
    book.attempt(STAGE, ["d"], process(2))
    book.settle(STAGE, ["a"])
    assert book.attempt("encode_features", ["b"], process(3)) == {}
    assert book.attempt(STAGE, ["a", "b"], process(3)) == {"b": Suspicion(1, 2)}
    assert book.attempt(STAGE, ["c"], process(3)) == {"c": Suspicion(1, 2)}
    assert book.num_begun_again == 2


def test_asking_again_accuses_nobody(book):
    """A process that asks has begun nothing; one that dies between asking and beginning is no new evidence."""
    book.attempt(STAGE, ["a"], process(1))
    held = [book.attempt(STAGE, ["a"], process(number)) for number in (2, 3)]
    assert held == [{"a": Suspicion(1, 1)}] * 2


def test_a_process_does_not_accuse_itself(book):
    """Whoever asks is alive."""
    book.attempt(STAGE, ["a"], process(1))
    assert book.attempt(STAGE, ["a"], process(1)) == {}


def test_a_lost_node_counts_half(book, live_nodes):
    """Machines are taken away for reasons that have nothing to do with videos."""
    book.attempt(STAGE, ["a"], process(1, THERE))
    live_nodes.remove(THERE)
    assert book.attempt(STAGE, ["a"], process(2)) == {"a": Suspicion(0.5, 1)}


def test_the_culprit_is_found_in_few_deaths(book):
    """64 videos, then parts of 8, then one by one; the innocent leave the book as they are settled."""
    videos = [f"v{number}" for number in range(64)]
    held, deaths = book.attempt(STAGE, videos, process(0)), 1
    while not (held := book.attempt(STAGE, videos, process(deaths)))["v9"].is_proven:
        videos = [video for video in videos if video in held]
        size = held["v9"].part_videos
        for start in range(0, len(videos), size):
            part = videos[start : start + size]
            book.attempt_anyway(STAGE, part, process(deaths))
            if "v9" in part:
                break
            book.settle(STAGE, part)
        deaths += 1
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
