"""A training says how far it is, and its curves come back from a checkpoint."""

from dataclasses import replace

from narrator_ray.console import training_line
from narrator_ray.errors import ConfigError
from narrator_ray.training.board import TrainingBoard
from narrator_ray.training.curves import Curves
from narrator_ray.training.step_report import StepReport


def report(step: int) -> StepReport:
    """A step of a hundred tokens."""
    return StepReport(step, 0, 2.0 - step / 10, 1e-3, 0.5, 100, 40, waited_s=0.25)


def test_speed_and_time_left_follow_the_steps():
    """Ten steps of half a second, one taken."""
    board = TrainingBoard()
    assert training_line(board.snapshot()) == "0 of 0 steps"
    board.begin(10, 0)
    board.step(report(0), 0.5)
    board.validation(1.75)
    snapshot = board.snapshot()
    assert (snapshot.tokens_per_s, snapshot.remaining_s) == (200, 4.5)
    assert training_line(snapshot) == (
        "1 of 10 steps, epoch 1; loss 2.000, on held-out videos 1.750; 200 tokens/s, ETA 0:00:04"
    )
    board.begin(10, 1)
    board.step(replace(report(1), num_workers=2), 0.5)
    line = training_line(board.snapshot())
    assert "200 tokens/s by 2 workers, ETA 0:00:04" in line
    assert line.endswith("; workers began 2 times, last at step 2")
    board.report(ConfigError("wrong"))
    assert str(board.error()) == "wrong"


def test_curves_come_back_from_their_lines():
    """Steps and validations in their order."""
    curves = Curves()
    curves.add_step(report(0), 0.5)
    curves.add_validation(1, {"loss": 1.5, "labels_right": 0.25})
    again = Curves.from_jsonl(curves.to_jsonl())
    assert again.rows == curves.rows
    assert again.figure("step", "loss") == [(0, 2.0)]
    assert again.figure("validation", "labels_right") == [(1, 0.25)]
    assert again.validation_loss == 1.5
    assert Curves().validation_loss is None
