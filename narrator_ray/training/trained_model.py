"""A trained model as users find it: a directory that narration loads, and a preset file that names it."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import yaml

from narrator_ray.model.model_dir import SPEC_FILE, ModelDirectory
from narrator_ray.model.presets import Preset
from narrator_ray.records import JsonDict
from narrator_ray.training.folder import MODEL, PRESET, TrainingFolder
from narrator_ray.training.learner import complete_model

_UNFINISHED = ".unfinished-"


def publish_model(folder: TrainingFolder, preset: Preset, base: ModelDirectory, trained: Path) -> None:
    """Put the model directory beside its training, complete or not at all, and a preset that names it.

    On disk the parts that were not trained are links to those of the base; elsewhere they are copied.

    Args:
        folder: Of the training.
        preset: Where it started from.
        base: That preset's model directory.
        trained: Holds what :meth:`Learner.save_trained` wrote; becomes a model directory.
    """
    complete_model(base, trained, folder.name)
    local = folder.local_path(MODEL)
    if local is not None:
        _move_into_place(trained, local)
    else:
        folders = os.walk(trained, followlinks=True)  # parts that were not trained are links
        files = [Path(place) / name for place, _, names in folders for name in names]
        for file in sorted(files, key=lambda path: path.name == SPEC_FILE):  # last: it says that all is there
            folder.storage.write_file(folder.key(f"{MODEL}/{file.relative_to(trained)}"), file)
    source = {"directory": f"./{MODEL}"} if local is not None else {"remote": folder.place(MODEL)}
    folder.write(PRESET, _preset_text(preset, folder.name, source))


def _move_into_place(trained: Path, target: Path) -> None:
    """Replace a model directory at once; its links stay links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f"{_UNFINISHED}*"):  # by a driver that was killed here
        shutil.rmtree(left, ignore_errors=True)
    beside = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=target.parent)) / MODEL
    shutil.copytree(trained, beside, symlinks=True)
    with suppress(FileNotFoundError):
        shutil.rmtree(target)
    beside.replace(target)
    beside.parent.rmdir()


def _preset_text(base: Preset, name: str, source: JsonDict) -> str:
    load = {key: getattr(base.load, key) for key in base.load.__dataclass_fields__}
    preset = {
        "name": name,
        "languages": list(base.languages),
        "description": f"{base.name}, trained by narrator-ray train",
        "parameters": base.parameters,
        "weights": f"trained from {base.name}",
        "license": base.license,
        "is_trained": True,
        "source": source,
        "load": load,
        "decoding": base.decoding.model_dump(include=base.decoding.model_fields_set),
    }
    return yaml.safe_dump(preset, sort_keys=False, allow_unicode=True)
