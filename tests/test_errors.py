"""Errors: they cross process borders and say what, where and what to do."""

import pickle

import pytest

from narrator_ray import errors
from narrator_ray.errors import ItemError, ManifestError, ManifestProblem, NarratorError, RejectReason


def every_error():
    """One instance of every error class."""
    for name in dir(errors):
        kind = getattr(errors, name)
        if isinstance(kind, type) and issubclass(kind, NarratorError):
            if issubclass(kind, ItemError):
                yield kind(RejectReason.VIDEO_EMPTY, "no bytes")
            elif issubclass(kind, ManifestError):
                yield kind("c.jsonl", [ManifestProblem(3, "clips[0].end_s", "is before its start")])
            else:
                yield kind("message")


@pytest.mark.parametrize("error", list(every_error()), ids=lambda error: type(error).__name__)
def test_every_error_pickles(error):
    """Workers raise, the driver reports."""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_a_manifest_error_lists_every_problem_with_row_and_field():
    """Nobody fixes a catalogue one run at a time."""
    problems = [ManifestProblem(None, "", "is empty"), ManifestProblem(2, "video", "is missing")]
    text = str(ManifestError("c.csv", problems))
    assert text.splitlines() == ["c.csv: 2 problems", "  file: is empty", "  row 2, video: is missing"]
