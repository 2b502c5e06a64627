"""Told phrases are known again; facts are not held against the story."""

from narrator_ray.narration.repetition import ToldPhrases


def test_a_told_phrase_is_not_begun_to_its_end_again():
    """After its first two tokens the third is a repetition, in a later narration and in the same."""
    told = ToldPhrases(3, [])
    told.tell([1, 2, 3, 4])
    assert told.unwanted([9, 1, 2]) == {3}
    assert told.unwanted([2, 3]) == {4}
    assert told.unwanted([1, 3]) == set()


def test_the_products_own_words_may_be_repeated():
    """A name of three tokens can be said in every clip."""
    told = ToldPhrases(3, [7, 8, 9])
    told.tell([5, 7, 8, 9, 1])
    assert told.unwanted([5, 7]) == set()
    assert told.unwanted([7, 8]) == set()
    assert told.unwanted([8, 9]) == {1}


def test_too_short_a_beginning_repeats_nothing():
    """A phrase needs its other tokens first."""
    told = ToldPhrases(3, [])
    told.tell([1, 2, 3])
    assert told.unwanted([2]) == set()


def test_size_zero_switches_it_off():
    """Nothing is remembered."""
    told = ToldPhrases(0, [1, 2])
    told.tell([1, 2, 3])
    assert told.unwanted([1, 2, 3]) == set()


def test_a_word_in_the_making_is_finished():
    """A phrase that was told may be told again up to the end of its last word; the word after it is another phrase."""
    told = ToldPhrases(3, [], inside_words={3})
    told.tell([1, 2, 3, 4])
    assert told.unwanted([1, 2]) == set()
    assert told.unwanted([2, 3]) == {4}


def test_words_of_the_prompt_are_never_wanted():
    """The last token of an unspoken run, after its others, from the first word on; not where the product has it."""
    told = ToldPhrases(4, [5, 6], [(1, 2), (3,), (5, 6)])
    assert told.unwanted([]) == {3}
    assert told.unwanted([9, 1]) == {2, 3}
    assert told.unwanted([5]) == {3}
    assert ToldPhrases(0, [], [(1, 2)]).unwanted([1]) == {2}
