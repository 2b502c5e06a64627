"""What comes next is read while the caller works, in order."""

import threading

import pytest

from narrator_ray.training.read_ahead import read_ahead


def test_items_come_in_order_with_what_was_read():
    """All of them, once."""
    assert [(item, read) for item, read, _ in read_ahead(range(5), lambda n: n * n, 2)] == [
        (n, n * n) for n in range(5)
    ]


def test_the_next_is_read_before_it_is_asked_for():
    """So many ahead and no more."""
    started, is_third = [], threading.Event()

    def read(item: int) -> int:
        started.append(item)
        if item == 2:
            is_third.set()
        return item

    items = read_ahead(range(9), read, 2)
    next(items)
    assert is_third.wait(10)
    assert started == [0, 1, 2]
    items.close()


def test_an_error_of_reading_is_raised_where_its_item_is_due():
    """Not before."""
    items = read_ahead([1, 0], lambda n: 1 / n, 1)
    assert next(items)[1] == 1
    with pytest.raises(ZeroDivisionError):
        next(items)
