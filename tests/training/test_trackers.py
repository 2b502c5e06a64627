"""Curves reach MLflow or W&B in the calls that both document; nothing is imported where nobody asks."""

import sys
from types import ModuleType

import pytest

from narrator_ray.errors import ConfigError
from narrator_ray.training.trackers import check_tracker, open_tracker


class Recorder(ModuleType):
    """A module that notes what is called."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.calls: list[tuple] = []

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*args: object, **kwargs: object) -> "Recorder":
            self.calls.append((name, args, kwargs))
            return self

        return call


@pytest.mark.parametrize("track", ["mlflow", "wandb"])
def test_curves_are_handed_on(monkeypatch, track):
    """Begun under the training's name, figures by step, ended."""
    module = Recorder(track)
    monkeypatch.setitem(sys.modules, track, module)
    tracker = open_tracker(track, "nano-1", {"epochs": 3})
    tracker.log(7, {"loss": 1.5})
    tracker.close()
    assert "nano-1" in str(module.calls)
    logged = [(args, kwargs) for name, args, kwargs in module.calls if name in ("log", "log_metrics")]
    assert logged == [(({"loss": 1.5},), {"step": 7})]
    assert module.calls[-1][0] in ("end_run", "finish")


def test_what_is_not_installed_is_said():
    """Before anything starts."""
    check_tracker("none")
    open_tracker("none", "nano-1", {}).log(1, {})
    with pytest.raises(ConfigError, match="pip install wandb"):
        check_tracker("wandb")
