"""What comes back from Ray: an error of this project as it was raised, without what Ray wrapped around it."""

import pytest
from ray.exceptions import RayTaskError, UserCodeException

from narrator_ray.errors import StorageError
from narrator_ray.stages.execute import find_ours

RAISED = StorageError("/out/a: cannot write: the disk is full")


def wrapped(error: Exception) -> Exception:
    """As it comes from a worker: of both classes, with the worker's traceback for a text."""
    return RayTaskError("narrate", "Traceback ...", error).as_instanceof_cause()


def caused(error: Exception) -> Exception:
    """As Ray Data raises it in the driver."""
    outer = UserCodeException("UDF failed")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize("error", [RAISED, wrapped(RAISED), caused(RAISED), caused(wrapped(RAISED))])
def test_an_error_of_ours_is_found(error):
    """Its text is what it said where it was raised."""
    assert find_ours(error) is RAISED


@pytest.mark.parametrize("error", [ValueError("a bug"), wrapped(ValueError("a bug")), None])
def test_other_errors_are_not_ours(error):
    """They are raised as they are."""
    assert find_ours(error) is None
