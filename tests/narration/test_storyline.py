"""Labels are chosen by their whole names: exact probabilities, scores only where names part."""

import numpy as np
import pytest

from narrator_ray.narration.storyline import LabelChoice, LabelVocabulary, prefers_another
from narrator_ray.records import ScriptLabel

JOINT = ord("+")
SIZE = 70_000


def encode(text: str) -> list[int]:
    """One id a character."""
    return [ord(character) for character in text]


def decide(choice: LabelChoice, scores) -> dict[ScriptLabel, float]:
    """Probabilities by a function from what is written to scores."""
    for parting in choice.partings:
        choice.note(parting, scores(parting))
    return choice.probabilities()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("seed", range(5))
def test_probabilities_are_those_of_writing_each_name(language, seed):
    """Random scores: every label's probability is that of its tokens, each among those that can still follow."""
    vocabulary = LabelVocabulary.of(encode, language, " " if language == "en" else "")

    def scores(written: tuple[int, ...]) -> np.ndarray:
        return np.random.default_rng([seed, *written]).standard_normal(SIZE).astype(np.float32)

    probabilities = decide(LabelChoice(vocabulary), scores)
    assert sum(probabilities.values()) == pytest.approx(1)
    assert list(probabilities.values()) == sorted(probabilities.values(), reverse=True)
    for label, path in vocabulary.spelled.items():
        expected = 1.0
        for length in range(len(path)):
            nexts = {other[length] for other in vocabulary.spelled.values() if other[:length] == path[:length]}
            logits = {token: float(np.exp(scores(path[:length])[token])) for token in nexts}
            expected *= logits[path[length]] / sum(logits.values())
        assert probabilities[label] == pytest.approx(expected, rel=1e-5)


def test_names_that_begin_alike_do_not_win_by_their_number():
    """Four labels share a beginning that is likelier than any other; the single name is still the likeliest label."""
    vocabulary = LabelVocabulary.of(encode, "en", "")
    logits = np.zeros(SIZE, np.float32)
    logits[ord("p")], logits[ord("o")] = 1.0, 0.9
    assert next(iter(decide(LabelChoice(vocabulary), lambda written: logits))) == ScriptLabel.OTHERS


def test_scores_are_asked_for_only_where_names_part():
    """Inside a name the next token is certain."""
    choice = LabelChoice(LabelVocabulary.of(encode, "en", ""))
    written = {bytes(parting).decode() for parting in choice.partings}
    assert written == {"", "s", "product", "product "}
    assert bytes(choice.fullest_parting).decode() == "product"
    assert choice.unknown == choice.partings
    choice.note((), np.zeros(SIZE, np.float32))
    assert () not in choice.unknown


def test_a_further_label_is_joined_and_new():
    """The second label begins with the joint, and is not the first again."""
    vocabulary = LabelVocabulary.of(encode, "en", "")
    choice = LabelChoice(vocabulary, [ScriptLabel.OTHERS])
    probabilities = decide(choice, lambda written: np.zeros(SIZE, np.float32))
    assert ScriptLabel.OTHERS not in probabilities
    assert choice.path(ScriptLabel.SORE_POINT) == (JOINT, *vocabulary.spelled[ScriptLabel.SORE_POINT])


def test_a_set_grows_while_the_joint_is_likelier_than_the_end():
    """The likeliest of the ends counts."""
    vocabulary, logits = LabelVocabulary.of(encode, "zh", ""), np.zeros(SIZE, np.float32)
    logits[[JOINT, 10, 13]] = 5, 4, 6
    assert prefers_another(logits, np.array([10]), vocabulary)
    assert not prefers_another(logits, np.array([10, 13]), vocabulary)
