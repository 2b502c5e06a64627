"""Where a training lies in an output, and its name: a hash of all that decides what is learnt.

    training/<name>/set.json          what is learnt, held out and left out; written once, when it begins
    training/<name>/config.yaml       the resolved settings, and deepspeed.json what DeepSpeed was told
    training/<name>/checkpoints/      Ray Train's
    training/<name>/curves.jsonl      a row for every step and validation up to the last checkpoint
    training/<name>/report.html       the same to look at
    training/<name>/model/            the trained model, and preset.yaml to narrate with it
    training/<name>/training.json     what came of it; written last

The same command finds the same training: it is taken up where it stopped, or found done.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from narrator_ray.config import Config
from narrator_ray.outputs.keys import content_key
from narrator_ray.records import JsonDict
from narrator_ray.runs.work import Fingerprints
from narrator_ray.storage.storage import Storage
from narrator_ray.training.curves import Curves
from narrator_ray.training.samples import SAMPLES_FORMAT
from narrator_ray.training.training_set import TrainingSet

_FORMAT = "narrator-ray.training/1"
_KEY_CHARACTERS = 12
_FREE = {
    "catalog",
    "out",
    "engine",
    "num_workers",
    "min_workers",
    "checkpoint_every_steps",
    "keep_checkpoints",
    "max_failures",
    "narrate_held_out",
    "validate_every_steps",
    "track",
    "keep",
}
"""Settings that may change when a training is taken up."""
SET, RECORD, CURVES, REPORT = "set.json", "training.json", "curves.jsonl", "report.html"
CONFIG, DEEPSPEED, PRESET, MODEL, CHECKPOINTS = "config.yaml", "deepspeed.json", "preset.yaml", "model", "checkpoints"


def training_name(preset: str, catalog: str, config: Config, fingerprints: Fingerprints) -> str:
    """Name of the training of a preset on a catalogue.

    Args:
        preset: Its name.
        catalog: Fingerprint of the catalogue.
        config: The resolved settings.
        fingerprints: Of the model.
    """
    key = content_key(
        _FORMAT,
        samples=SAMPLES_FORMAT,
        catalog=catalog,
        encoder=fingerprints.encoder,
        narrator=fingerprints.narrator,
        prompt=fingerprints.prompt,
        training=config.training.model_dump(mode="json", exclude=_FREE),
        **{section: getattr(config, section).model_dump(mode="json") for section in ("clips", "frames", "length")},
        model=config.model.model_dump(mode="json", exclude={"preset", "device", "adapters"}),
    )
    return f"{preset}-{key[:_KEY_CHARACTERS]}"


@dataclass(frozen=True, slots=True)
class TrainingFolder:
    """The files of one training. Pickles.

    Attributes:
        storage: The output.
        name: Of the training.
    """

    storage: Storage
    name: str

    def key(self, file: str) -> str:
        """Key of a file within the storage."""
        return f"training/{self.name}/{file}"

    def place(self, file: str = "") -> str:
        """Path or URI of a file or of the folder, for people and other tools."""
        return self.storage.path_of(self.key(file) if file else f"training/{self.name}")

    def local_path(self, file: str) -> Path | None:
        """Path of a file on this machine; None when the storage is not a file system."""
        return self.storage.local_path(self.key(file))

    def write(self, file: str, text: str) -> None:
        """Write a file, in place of an earlier one."""
        self.storage.write(self.key(file), text.encode())

    def record(self) -> JsonDict | None:
        """What came of the training, once it is done."""
        return self._json(RECORD)

    def training_set(self) -> TrainingSet | None:
        """What was fixed when it began, if it has begun."""
        data = self._json(SET)
        return None if data is None else TrainingSet.from_json(data)

    def fix(self, chosen: TrainingSet) -> TrainingSet:
        """Fix what is learnt; of several that begin the same training at once the first decides."""
        self.storage.write_if_absent(self.key(SET), json.dumps(chosen.to_json(), ensure_ascii=False).encode())
        return self.training_set() or chosen

    def curves(self) -> Curves:
        """How it went up to the last checkpoint."""
        key = self.key(CURVES)
        return Curves.from_jsonl(self.storage.read(key).decode()) if self.storage.exists(key) else Curves()

    def _json(self, file: str) -> JsonDict | None:
        key = self.key(file)
        return json.loads(self.storage.read(key)) if self.storage.exists(key) else None
