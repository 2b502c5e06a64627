"""The paper's ablations: what each variant is without, one budget for all, work that is done once; on a tiny model."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from narrator_ray.config import load_section
from narrator_ray.demo.films import training_films
from narrator_ray.evaluation.paper import PAPER_ROWS
from narrator_ray.model.model_dir import open_model_directory
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.schema import VideoFeatures
from narrator_ray.training.ablations import run, start, train
from narrator_ray.training.ablations.films import SeenFilm, examples_of, spoken_part
from narrator_ray.training.ablations.settings import AblationSettings
from narrator_ray.training.ablations.start import fitted_projector
from narrator_ray.training.ablations.variants import VARIANTS
from narrator_ray.training.examples import IGNORED, sample_of
from tests.training.videos import DIM, QUERIES

ROOT = Path(__file__).parents[2]


def seen(film, seed: int = 0) -> SeenFilm:
    """A film whose frames come in pairs that look alike, two pairs a clip."""
    num_clips = len(film.clips)
    rng = np.random.default_rng((seed, film.storyboard.seed))
    pairs = rng.standard_normal((num_clips * 2, QUERIES, DIM))
    features = VideoFeatures(
        clips=film.clips,
        clip_index_T=np.repeat(np.arange(num_clips, dtype=np.int32), 4),
        time_s_T=np.arange(num_clips * 4) + 0.5,
        tokens_TQD=np.repeat(pairs, 2, axis=0).astype(np.float16),
        thumbnails_jpeg=(b"",) * num_clips * 4,
        duration_s=film.clips[-1].end_s,
        fps=1.0,
        decoder="none",
        encoder_fingerprint="",
        source_version="",
    )
    return SeenFilm(film, features)


@pytest.fixture(scope="module")
def films() -> list[SeenFilm]:
    """Three with several clips."""
    made = (film for film in training_films("train", range(20)) if 2 <= len(film.clips) <= 3)
    return [seen(film) for film, _ in zip(made, range(3), strict=False)]


def settings_in(folder: Path, **changes: object) -> AblationSettings:
    """The whole comparison in small."""
    return AblationSettings.model_validate(
        {
            "work": folder,
            "preset": "tiny-random",
            "films": {"train": 2, "test": 1},
            "training": {
                "epochs": 1,
                "lora_rank": 2,
                "precision": "fp32",
                "gradient_checkpointing": False,
                "max_tokens": 8000,
                "batch_tokens": 8000,
            },
            "checkpoint_steps": 1,
            **changes,
        }
    )


@pytest.fixture
def drawn(monkeypatch, films) -> None:
    """Films are seen without drawing any."""
    monkeypatch.setattr(run, "draw_films", lambda *_: None)
    monkeypatch.setattr(run, "seen_films", lambda _, split, __: tuple(films[:2] if split == "train" else films[2:]))


def test_every_variant_is_without_what_its_name_says(narrator, films):
    """And like the full model in everything else."""
    made = {
        name: next(examples_of(films, variant, narrator.tokenizer, 8000)).clips for name, variant in VARIANTS.items()
    }
    tokens = {name: [len(clip.context.tokens_ND) for clip in clips] for name, clips in made.items()}
    pair, memory = 2 * QUERIES, QUERIES
    assert tokens["full"][:2] == [pair, memory + pair]
    assert tokens["without-compression"][:2] == [2 * pair, memory + 2 * pair]
    assert tokens["without-memory"][:2] == [pair, 2 * pair + pair]
    assert [clip.context.position for clip in made["without-position"]] == [None] * len(made["full"])
    assert made["full"][0].context.position == 0
    heading = narrator.tokenizer.decode(made["without-storyline"][0].requirement)
    assert "script type" not in heading and "length" in heading
    for name in ("without-position", "without-lora"):
        assert tokens[name] == tokens["full"]
        assert [clip.answer for clip in made[name]] == [clip.answer for clip in made["full"]]
    recipes = {name: variant.recipe(AblationSettings(work=Path()).training) for name, variant in VARIANTS.items()}
    assert [name for name, recipe in recipes.items() if recipe.lora_rank == 0] == ["without-lora"]
    assert {variant.paper_row for variant in VARIANTS.values()} == set(PAPER_ROWS[6:])


@pytest.mark.parametrize("name", ["full", "without-storyline"])
def test_losses_are_of_what_is_spoken(narrator, films, name):
    """Whether there are labels or not, the same words count."""
    example = next(examples_of(films, VARIANTS[name], narrator.tokenizer, 8000))
    film = films[0].film
    for index, shot in enumerate(film.script):
        sample = sample_of(spoken_part(example, film, narrator.tokenizer), index)
        counted = narrator.tokenizer.decode(sample.labels[sample.labels != IGNORED])
        assert counted.strip() == shot.narration


def test_the_projector_is_fitted():
    """Words that depend linearly on tokens are found again."""
    generator = torch.Generator().manual_seed(0)
    tokens_ND, true_HD = torch.randn(500, 8, generator=generator) / 16, torch.randn(5, 8, generator=generator)
    weight_HD, bias_H = fitted_projector(tokens_ND, tokens_ND @ true_HD.T + 3)
    torch.testing.assert_close(weight_HD, true_HD, rtol=0.01, atol=0.01)
    torch.testing.assert_close(bias_H, torch.full((5,), 3.0), rtol=0.01, atol=0.01)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_all_variants_are_trained_and_judged_once(tmp_path, monkeypatch, drawn):
    """A folder with figures for each, a table with all; a second call has nothing to do."""
    settings = settings_in(tmp_path)
    folder = run.run_ablations(settings)
    table = (folder / "ablations.md").read_text(encoding="utf-8").splitlines()
    record = json.loads((folder / "ablations.json").read_text(encoding="utf-8"))
    assert [line.split("|")[1].strip() for line in table[2:]] == [variant.title for variant in VARIANTS.values()]
    assert "98.1" in table[2] and "10.8" in table[2]
    assert record["variants"].keys() == record["paper"].keys() == VARIANTS.keys()
    for name, figures in record["variants"].items():
        assert figures["in_window"] == 1.0
        assert ("labels_right" in figures) == (name != "without-storyline")
        steps = (folder / name / "training.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line)["step"] for line in steps] == [0, 1]
    assert open_model_directory(folder / "without-lora" / "model").adapter_path is None
    assert open_model_directory(folder / "full" / "model").adapter_path is not None
    losses = {name: figures["loss"] for name, figures in record["variants"].items()}
    assert len(set(losses.values())) == len(losses)

    monkeypatch.setattr(run, "train_variant", lambda *_: pytest.fail("trained again"))
    assert run.run_ablations(settings) == folder
    other = settings.model_copy(update={"training": settings.training.model_copy(update={"epochs": 2})})
    with pytest.raises(pytest.fail.Exception):
        run.run_ablations(other)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_a_stopped_variant_goes_on(tmp_path, monkeypatch, drawn):
    """From its last checkpoint, to the same weights as one that was never stopped."""
    settings = settings_in(tmp_path / "stopped", variants=["full"])

    def stop(folder, stage, line) -> None:
        if line["step"] == 1:
            raise KeyboardInterrupt
        log(folder, stage, line)

    log = train.log
    monkeypatch.setattr(train, "log", stop)
    with pytest.raises(KeyboardInterrupt):
        run.run_ablations(settings)
    monkeypatch.setattr(train, "log", log)
    stopped = run.run_ablations(settings)
    whole = run.run_ablations(settings_in(tmp_path / "whole", variants=["full"]))
    steps = [(one / "full" / "training.jsonl").read_text().splitlines() for one in (stopped, whole)]
    assert [json.loads(line)["loss"] for line in steps[0]] == [json.loads(line)["loss"] for line in steps[1]]
    figures = [json.loads((one / "full" / "figures.json").read_text()) for one in (stopped, whole)]
    assert figures[0] == figures[1]


def test_the_start_has_the_presets_eyes_and_no_more(tmp_path, drawn, films):
    """Its Q-Former and tower; no adapter, and a projector of its own that takes tokens to words."""
    base = start.open_model_directory(run.prepare_model(run.find_preset("tiny-random")).path)
    made = start.aligned_start(base, films, tmp_path / "start")
    assert made.adapter_path is None
    assert made.spec.fingerprints.encoder == base.spec.fingerprints.encoder
    assert made.spec.fingerprints.narrator != base.spec.fingerprints.narrator
    narrator = VideoNarrator.load(made.path)
    words = start.word_embeddings(narrator.tokenizer, narrator.token_embedding)
    tokens_ND, words_NH = start.tokens_and_words(films, words)
    errors = [
        (one.projector(tokens_ND) - words_NH).square().mean() for one in (narrator, VideoNarrator.load(base.path))
    ]
    assert errors[0] < 0.9 * errors[1]
    assert start.aligned_start(base, films, tmp_path / "start").spec == made.spec


def test_the_files_settings_are_sound():
    """Every key of jobs/ablate.yaml exists."""
    settings = load_section(AblationSettings, ROOT / "jobs" / "ablate.yaml")
    assert settings.variants == tuple(VARIANTS)
    assert len((ROOT / "jobs" / "ablate.py").read_text(encoding="utf-8").splitlines()) <= 60
