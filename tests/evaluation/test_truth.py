"""The storefront's truth about stories: what is right scores, what is wrong does not, chance stands beside."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from narrator_ray.cli import app
from narrator_ray.demo import write_catalog
from narrator_ray.demo.films import make_film
from narrator_ray.evaluation.narrated_clips import NarratedClip
from narrator_ray.evaluation.run import checked_metrics, evaluate
from narrator_ray.evaluation.scores import NoScore, Score
from narrator_ray.evaluation.stories import join
from narrator_ray.evaluation.tools import Tools
from narrator_ray.records import Clip, ScriptLabel

METRICS = checked_metrics(["truth"])


@pytest.fixture(scope="module")
def films():
    """Twelve films."""
    return [make_film(seed) for seed in range(12)]


def scores(films, tell, videos=None) -> dict[tuple[str, str], Score]:
    """Scores of what is told of each clip of each film, by metric and variant."""
    rows = [film.to_video(f"v{place}", "/v.mp4") for place, film in enumerate(films)]
    narrated = [
        NarratedClip(f"v{place}", index, *tell(film, index))
        for place, film in enumerate(films)
        for index in range(len(film.script))
    ]
    found = evaluate(join(narrated, videos or rows).stories, METRICS, Tools())
    return {(item.metric, item.variant): item for item in found if isinstance(item, Score)}


def script(film, index):
    """The film's own narration and labels."""
    return film.script[index].narration, film.script[index].labels


def test_scripts_are_right_and_far_above_chance(films):
    """Everything that they name is right, nothing is made up, and their labels stand in order."""
    found = scores(films, script)
    for name in ("product", "colour", "scene", "motion"):
        assert found[f"truth_{name}", "precision"].value == 1
        mentioned = [name in shot.mentions for film in films for shot in film.script]
        assert found[f"truth_{name}", "recall"].value == pytest.approx(sum(mentioned) / len(mentioned))
    assert found["truth_scene", "precision"].chance < 0.4
    assert found["truth_colour", "precision"].chance < 0.4
    assert found["truth_untrue", ""].value == 0
    assert found["truth_coverage", ""].value > 2 * found["truth_coverage", ""].chance
    assert found["truth_order", ""].value == 1


def test_scripts_of_other_films_are_right_by_chance_only(films):
    """Told of the wrong film, they are no better than the chance beside them, give or take."""
    others = dict(zip(map(id, films), [*films[6:], *films[:6]], strict=True))

    def other(film, index):
        shots = others[id(film)].script
        return shots[index % len(shots)].narration, shots[index % len(shots)].labels

    found = scores(films, other)
    for name in ("colour", "scene"):
        assert abs(found[f"truth_{name}", "precision"].value - found[f"truth_{name}", "precision"].chance) < 0.25
    assert found["truth_untrue", ""].value > 0.5
    invented = found["truth_untrue", ""].details["clips"]
    assert all(line["invented"] or line["contradicted"] for line in invented.values())


def test_silence_names_nothing_and_a_jumbled_story_has_no_order(films):
    """Recall is zero, precision has nothing to judge."""
    found = scores(films, lambda film, index: ("", (ScriptLabel.CALL_TO_ACTION,)))
    assert ("truth_scene", "precision") not in found
    assert found["truth_scene", "recall"].value == 0
    assert found["truth_coverage", ""].value == 0
    assert found["truth_order", ""].value == sum(len(film.script) == 1 for film in films) / 12


def test_clips_that_were_cut_otherwise_meet_the_truth_of_most_of_their_time(films):
    """Two halves of every clip are judged as that clip."""
    film = films[0]
    halves = []
    for clip in film.clips:
        middle_s = (clip.start_s + clip.end_s) / 2
        halves += [Clip(clip.start_s, middle_s), Clip(middle_s, clip.end_s)]
    row = replace(film.to_video("v0", "/v.mp4"), clips=None, narrations=None, storyline=None)
    narrated = [
        NarratedClip("v0", place, film.script[place // 2].narration, None, half) for place, half in enumerate(halves)
    ]
    found = evaluate(join(narrated, [row]).stories, METRICS, Tools())
    recall = {item.metric: item for item in found if isinstance(item, Score) and item.variant == "recall"}
    mentioned = ["scene" in shot.mentions for shot in film.script]
    assert recall["truth_scene"].value == pytest.approx(sum(mentioned) / len(mentioned))
    assert recall["truth_scene"].chance is None  # there is no other film
    (reason,) = [item.reason for item in found if isinstance(item, NoScore)]
    assert "labels that the model chose" in reason


def test_rows_without_truth_say_so(films):
    """All metrics, with the reason."""
    rows = [replace(film.to_video(f"v{place}", "/v.mp4"), extra={}) for place, film in enumerate(films)]
    assert scores(films, script, rows) == {}


def test_the_command_shows_chance_beside(tmp_path):
    """From a catalogue of the storefront."""
    catalog = write_catalog(tmp_path, 4, give_clips="all", draw_films=False)
    rows = [json.loads(line) for line in catalog.read_text().splitlines()]
    output = {
        f"{row['video_id']}_{place}": {"0.1": text} for row in rows for place, text in enumerate(row["narrations"])
    }
    (tmp_path / "output.json").write_text(json.dumps(output))
    arguments = [str(tmp_path / "output.json"), "--references", str(catalog), "--metrics", "truth"]
    result = CliRunner().invoke(app, ["evaluate", *arguments])
    assert result.exit_code == 0, result.output
    line = next(line for line in result.stdout.splitlines() if line.startswith("truth_scene (precision)"))
    assert line.split()[2:5:2] == ["standard", line.split()[4]]
    assert line.split()[3] == "100.0" and float(line.split()[4]) < 100
