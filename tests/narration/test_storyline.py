"""Label sets are written under a constraint: always known labels, at most three, none twice."""

import numpy as np
import pytest

from narrator_ray.narration.storyline import MOST_LABELS, LabelVocabulary, LabelWriter
from narrator_ray.records import ScriptLabel

STOP = np.array([10])
JOINT = ord("+")


def encode(text: str) -> list[int]:
    """One id a character."""
    return [ord(character) for character in text]


def write(vocabulary: LabelVocabulary, scores) -> tuple[tuple[ScriptLabel, ...], list[int]]:
    """Write a label set with a function from step to scores."""
    writer, written = LabelWriter(vocabulary, STOP), []
    while (token := writer.next_token(scores(len(written)))) is not None:
        written.append(token)
    return writer.labels, written


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("seed", range(10))
def test_whatever_the_scores_the_labels_are_known(language, seed):
    """Random scores give one to three different labels, spelled as in the prompt."""
    rng = np.random.default_rng(seed)
    vocabulary = LabelVocabulary.of(encode, language, " " if language == "en" else "")
    labels, written = write(vocabulary, lambda step: rng.standard_normal(70_000).astype(np.float32))
    assert 1 <= len(set(labels)) == len(labels) <= MOST_LABELS
    assert written == vocabulary.encode(labels)


def test_the_likeliest_label_is_written():
    """Scores that spell a name get that name, and a high stop ends the set."""
    vocabulary = LabelVocabulary.of(encode, "en", "")
    wanted = encode("product trial")

    def scores(step: int) -> np.ndarray:
        logits = np.zeros(200, np.float32)
        logits[wanted[step] if step < len(wanted) else STOP[0]] = 5
        return logits

    assert write(vocabulary, scores)[0] == (ScriptLabel.PRODUCT_TRIAL,)


def test_a_set_grows_while_the_joint_is_likelier_than_the_end():
    """Three labels are the most, however much the model wants to go on."""
    vocabulary = LabelVocabulary.of(encode, "zh", "")
    logits = np.zeros(70_000, np.float32)
    logits[JOINT] = 9
    assert len(write(vocabulary, lambda step: logits)[0]) == MOST_LABELS
