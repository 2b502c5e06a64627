"""SIGTERM ends a run as Ctrl-C does."""

import os
import signal

import pytest

from narrator_ray.cli.stop_signals import Terminated, exit_code_of, sigterm_as_interrupt


def test_sigterm_raises_where_the_program_is():
    """The first one; a second does not disturb the cleaning up, and afterwards all is as before."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), sigterm_as_interrupt():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_exit_codes_tell_the_signal():
    """As shells say it."""
    assert (exit_code_of(Terminated()), exit_code_of(KeyboardInterrupt())) == (143, 130)
