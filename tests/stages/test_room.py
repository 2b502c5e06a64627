"""The room of a process: many share it, or one is alone."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from narrator_ray.stages.room import Room


def test_many_share_it():
    """Each comes in while the other is inside."""
    room = Room()
    both = threading.Barrier(2)

    def share() -> None:
        with room.shared():
            both.wait(10)

    with ThreadPoolExecutor(2) as threads:
        for visit in [threads.submit(share) for _ in range(2)]:
            visit.result()


def test_whoever_wants_to_be_alone_waits_for_the_others_and_they_for_it():
    """Nobody is ever inside beside it."""
    room, inside, seen = Room(), list[str](), list[tuple[str, ...]]()

    def visit(number: int) -> None:
        name = "alone" if number % 5 == 0 else "shared"
        with ExitStack() as stay:
            stay.enter_context(room.alone() if name == "alone" else room.shared())
            inside.append(name)
            seen.append(tuple(inside))
            inside.remove(name)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(visit, range(200)))
    assert len(seen) == 200
    assert all(names == ("alone",) for names in seen if "alone" in names)


def test_it_travels_empty():
    """A stage takes its room along to other processes."""
    room = Room()
    with room.shared():
        copy = pickle.loads(pickle.dumps(room))
    with copy.alone():
        assert isinstance(copy, Room)
