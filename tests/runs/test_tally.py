"""The table of stages adds up."""

from narrator_ray.cost import NO_COST, StageCost
from narrator_ray.errors import RejectReason
from narrator_ray.outputs.report_content import StageSummary
from narrator_ray.records import Rejection
from narrator_ray.runs.summary import Outcome
from narrator_ray.runs.tally import Tally

STAGES = ("split", "encode", "narrate")


def rejected(stage):
    """A rejection in that stage."""
    return Rejection("v", "/v", stage, RejectReason.VIDEO_EMPTY, "")


def costs(**busy_s):
    """What stages took, by the clock."""
    return {stage: StageCost(seconds) for stage, seconds in busy_s.items()}


def summarize_stages(stages, outcomes):
    """The table of stages after all outcomes were added."""
    tally = Tally(stages)
    for outcome in outcomes:
        tally.add(outcome)
    return tally.stages


def test_stages_add_up():
    """In = out + rejected at every stage, and what leaves one enters the next."""
    outcomes = [
        Outcome("a", None, costs(split=1.0, encode=2.0, narrate=4.0)),
        Outcome("b", rejected("split"), costs(split=1.0)),
        Outcome("c", rejected("narrate"), costs(split=1.0, encode=2.0, narrate=1.0)),
    ]
    assert summarize_stages(STAGES, outcomes) == (
        StageSummary("split", 3, 2, 1, StageCost(3.0)),
        StageSummary("encode", 2, 2, 0, StageCost(4.0)),
        StageSummary("narrate", 2, 1, 1, StageCost(5.0)),
    )


def test_stages_nobody_saw_are_left_out():
    """A run whose features were all there shows no decoding line."""
    table = summarize_stages(STAGES, [Outcome("a", None, costs(narrate=4.0))])
    assert [stage.stage for stage in table] == ["narrate"]
    assert table[0].items_per_s == 0.25


def test_a_stage_that_took_no_time_has_no_rate():
    """No division by zero, and no made-up figure."""
    assert StageSummary("split", 3, 3, 0, NO_COST).to_json()["items_per_s"] is None
