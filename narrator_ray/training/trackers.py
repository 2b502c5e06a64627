"""Curves on their way to MLflow or Weights & Biases, where one is installed and asked for (``training.track``).

Where their servers are, and who may write there, is the environment's, as both read it themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, Protocol

from narrator_ray.errors import ConfigError

Track = Literal["none", "mlflow", "wandb"]
_PROJECT = "narrator-ray"


class Tracker(Protocol):
    """Takes figures of a training."""

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Figures after so many steps."""

    def close(self) -> None:
        """The training is over."""


class NoTracker:
    """Nobody wants to know."""

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class MlflowTracker:
    """A run of MLflow under the training's name; one that is taken up is a further run of the same name."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        self._mlflow: Any = import_module("mlflow")
        self._mlflow.set_experiment(_PROJECT)
        self._mlflow.start_run(run_name=name)
        self._mlflow.log_params(dict(settings))

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """See :class:`Tracker`."""
        self._mlflow.log_metrics(dict(figures), step=step)

    def close(self) -> None:
        """See :class:`Tracker`."""
        self._mlflow.end_run()


class WandbTracker:
    """A run of Weights & Biases with the training's name as its id, so that one that is taken up is the same run."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        wandb: Any = import_module("wandb")
        self._run = wandb.init(project=_PROJECT, id=name, name=name, resume="allow", config=dict(settings))

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """See :class:`Tracker`."""
        self._run.log(dict(figures), step=step)

    def close(self) -> None:
        """See :class:`Tracker`."""
        self._run.finish()


def check_tracker(track: Track) -> None:
    """Make sure that what is asked for is installed.

    Raises:
        ConfigError: It is not.
    """
    if track != "none" and find_spec(track) is None:
        raise ConfigError(f"training.track: {track} is not installed: run `pip install {track}`, or take none")


def open_tracker(track: Track, name: str, settings: Mapping[str, Any]) -> Tracker:
    """Where the curves of a training go.

    Args:
        track: Whose.
        name: Of the training.
        settings: Its recipe.
    """
    if track == "mlflow":
        return MlflowTracker(name, settings)
    return WandbTracker(name, settings) if track == "wandb" else NoTracker()
