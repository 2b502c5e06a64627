"""Which ending is best, and which turn is tried."""

import math

from narrator_ray.narration.endings import GOOD_ENDING, LIKELY_TURN, Crossroads, Ending, Turn

MARK = (9,)


def test_the_latest_good_ending_is_best():
    """Good is good enough: later says more."""
    crossroads = Crossroads()
    for length, probability in ((1, 0.9), (2, 0.4), (3, 0.1)):
        crossroads.note_ending(Ending((5,) * length, MARK, math.log(probability)))
    assert crossroads.best_ending.ids == (5, 5)


def test_without_a_good_ending_the_best_is_taken():
    """Bad endings are compared by score."""
    crossroads = Crossroads()
    for length, score in ((1, -3.0), (2, -2.0), (3, -9.0)):
        crossroads.note_ending(Ending((5,) * length, MARK, score))
    assert crossroads.best_ending.ids == (5, 5)


def test_a_sentence_that_did_end_is_a_good_ending():
    """What the decoder chose counts as good."""
    crossroads = Crossroads()
    crossroads.note_ending(Ending((5,), MARK, -5.0))
    crossroads.note_ending(Ending((5, 6), MARK, -2.0))
    crossroads.confirm_ending((5,))
    assert crossroads.best_ending == Ending((5,), MARK, GOOD_ENDING)


def test_a_decimal_point_was_no_ending():
    """It is forgotten."""
    crossroads = Crossroads()
    crossroads.note_ending(Ending((5,), MARK, -0.1))
    crossroads.note_ending(Ending((5, 6), MARK, -7.0))
    crossroads.withdraw_ending((5,))
    assert crossroads.best_ending.ids == (5, 6)


def test_the_likeliest_turn_near_the_end_is_tried_once():
    """Not one that is too far back, nor one the model hardly wanted."""
    crossroads = Crossroads()
    crossroads.note_turn(Turn((1,), 1, 7, -0.1))
    crossroads.note_turn(Turn((1, 2), 5, 7, -1.0))
    crossroads.note_turn(Turn((1, 2, 3), 6, 8, -0.5))
    crossroads.note_turn(Turn((1, 2, 3, 4), 7, 8, LIKELY_TURN - 1))
    assert crossroads.take_turn(5).ids == (1, 2, 3)
    assert crossroads.take_turn(5).ids == (1, 2)
    assert crossroads.take_turn(5) is None
