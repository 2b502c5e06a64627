"""A connection to the cluster that the environment names, or a local one that ends with what it was opened for."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import ray
from ray.data import DataContext

_LOG = logging.getLogger(__name__)


@contextmanager
def ray_session() -> Iterator[None]:
    """Ray, connected while the block runs; left alone if it was connected before."""
    was_connected, is_verbose = ray.is_initialized(), _LOG.isEnabledFor(logging.DEBUG)
    if not was_connected:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        with _own_sigterm_handler():
            ray.init(logging_level=logging.ERROR, log_to_driver=is_verbose, include_dashboard=False)
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.raise_original_map_exception = True  # what Ray puts around it does not bring its cause from the worker
    for name in ("ray.data", "ray.train"):  # errors are raised, too
        logging.getLogger(name).setLevel(logging.ERROR if is_verbose else logging.CRITICAL)
    try:
        yield
    finally:
        if not was_connected:
            ray.shutdown()


@contextmanager
def _own_sigterm_handler() -> Iterator[None]:
    """Keeps the handler of this program where Ray puts one that ends the process on the spot."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    if callable(handler) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)
