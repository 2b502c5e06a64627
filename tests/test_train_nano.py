"""The job that trains nano, from drawing to figures, on the tiny random model; and the settings nano was made with."""

import json
import logging
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from narrator_ray.demo.films import training_films
from narrator_ray.model.context import ClipContext
from narrator_ray.model.nano_trained import write_trained_parts
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.training.nano import align, draw, judge, narrate
from narrator_ray.training.nano.settings import NanoSettings

ROOT = Path(__file__).parents[1]
STAGES = (draw.draw, align.align, narrate.train, narrate.export)


@pytest.fixture
def settings(tmp_path):
    """The whole job in small."""
    return NanoSettings.model_validate(
        {
            "work": tmp_path / "work",
            "weights": tmp_path / "nano.safetensors",
            "films": {"train": 3, "validation": 1, "test": 2},
            "processes": 1,
            "alignment": {"epochs": 1},
            "training": {
                "epochs": 1,
                "lora_rank": 2,
                "precision": "fp32",
                "gradient_checkpointing": False,
                "max_tokens": 1500,
                "batch_tokens": 1500,
            },
            "rounds": [
                {"films": 2, "learning_rate": 1e-3},
                {
                    "films": 2,
                    "candidates": 2,
                    "long_tellings": 2,
                    "other_films": 2,
                    "learning_rate": 1e-4,
                    "plain_share": 0.5,
                },
            ],
            "checkpoint_steps": 1,
        }
    )


def test_the_settings_nano_was_made_with_are_sound():
    """They are read without complaint and train on films that are drawn."""
    recipe = NanoSettings.model_validate(yaml.safe_load((ROOT / "jobs" / "train_nano.yaml").read_text()))
    assert max(max(this.films, this.other_films) for this in recipe.rounds) <= recipe.films.train
    assert (ROOT / recipe.weights).is_file()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_the_job_goes_from_films_to_figures(settings, tmp_path, monkeypatch, caplog):
    """Every stage leaves what the next one needs; a second call of all finds everything done."""
    caplog.set_level(logging.INFO, logger="narrator_ray.nano")
    for stage in (draw, align):
        monkeypatch.setattr(stage, "untrained", lambda _: prepare_model(find_preset("tiny-random")))
    settings.work.mkdir()
    for stage in STAGES:
        stage(settings)
    judge.evaluate(settings, "test", 2)
    report = json.loads((settings.work / "figures-test.json").read_text())
    assert report["figures"].keys() == {"own film", "another film", "nothing", "other goods"}
    assert 0 <= report["figures"]["other goods"]["product_named"] <= 1
    assert (settings.work / "other-stories-test.txt").read_text().count("[") > 4
    assert report["figures"]["own film"]["in_window"] == 1.0
    assert (settings.work / "stories-test.txt").read_text().count("[") > 4
    losses = [json.loads(line) for line in (settings.work / "training.jsonl").read_text().splitlines()]
    assert {line["round"] for line in losses} == {0, 1}
    written = load_file(settings.weights)
    states = [torch.load(settings.work / f"training-{number}.pt", weights_only=True)["trained"] for number in (0, 1)]
    assert any(not weight.equal(states[1][name]) for name, weight in states[0].items() if "lora" in name)
    assert "draw" in caplog.text
    caplog.clear()
    for stage in STAGES:
        stage(settings)
    assert "draw" not in caplog.text
    assert len((settings.work / "training.jsonl").read_text().splitlines()) == len(losses)
    assert all(torch.equal(tensor, written[name]) for name, tensor in load_file(settings.weights).items())
    write_trained_parts(settings.weights, tmp_path)
    assert (tmp_path / "adapter" / "adapter_config.json").is_file()


def test_the_newest_model_is_judged(settings):
    """Rounds are counted, not spelt."""
    for name in ("2-1-00000", "10-0-00020", "10-0-00003", "9-1-00000"):
        (settings.work / "trained" / name).mkdir(parents=True)
    assert judge.newest_model(settings).name == "10-0-00020"


def test_controls_keep_the_form_of_what_is_seen():
    """Another film's pictures at the film's own positions, as many clips; zeros in the same shape."""
    films = list(training_films("test", range(2)))
    contexts = []
    for film in films:
        tokens = torch.ones(len(film.clips), 4, 8).half().numpy()
        contexts.append(tuple(ClipContext(tokens[place], place, (0,)) for place in range(len(film.clips))))
    for own, other in zip(contexts, judge.swapped(contexts), strict=True):
        assert [clip.position for clip in own] == [clip.position for clip in other]
    assert not any(clip.tokens_ND.any() for clip in judge.blinded(contexts[0]))
