"""The command line: the only package that prints or exits. One file per group of verbs, put together in app.py.

Exit codes: 0 done, 1 crash, 2 bad settings or input, 3 finished, but more was rejected than run.max_rejected_fraction
or, in jobs/nightly.py, a sample falls short.
"""

from narrator_ray.cli.app import app, main

__all__ = ["app", "main"]
