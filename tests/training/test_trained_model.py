"""What was trained is found again by the preset file beside it, on disk and on S3."""

from pathlib import Path

import pytest
import torch

from narrator_ray.config import TrainingSettings
from narrator_ray.model.narrator import VideoNarrator
from narrator_ray.model.presets import find_preset, prepare_model
from narrator_ray.storage.storage import Storage
from narrator_ray.training.folder import TrainingFolder
from narrator_ray.training.learner import Learner
from narrator_ray.training.trained_model import publish_model

NAME = "tiny-random-1"


@pytest.mark.parametrize("is_remote", [False, True])
def test_a_published_model_narrates_with_what_was_trained(is_remote, tmp_path, request):
    """Its projector is the trained one; publishing twice leaves one model and nothing else."""
    root = request.getfixturevalue("s3_root") if is_remote else str(tmp_path / "out")
    preset = find_preset("tiny-random")
    base = prepare_model(preset)
    learner = Learner(base, TrainingSettings(lora_rank=2))
    weights = learner.state()
    weights["projector.bias"] = torch.full_like(weights["projector.bias"], 0.25)
    folder = TrainingFolder(Storage.open(root), NAME)
    for again in range(2):
        learner.save_trained(tmp_path / f"trained{again}", weights)
        publish_model(folder, preset, base, tmp_path / f"trained{again}")
    found = prepare_model(find_preset(folder.place("preset.yaml")))
    assert found.spec.is_trained and found.spec.name == NAME
    assert (found.path / "llm").is_symlink() != is_remote
    narrator = VideoNarrator.load(found.path)
    assert torch.equal(narrator.projector.bias, weights["projector.bias"])
    if not is_remote:
        assert {path.name for path in Path(folder.place()).iterdir()} == {"model", "preset.yaml"}
