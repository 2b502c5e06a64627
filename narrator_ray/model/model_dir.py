"""The on-disk layout of a model: where its parts lie, what it declares about itself, and its fingerprints.

    DIR/narrator.json           what the model is (:class:`ModelSpec`); written last: a half-built directory has none
    DIR/llm/                    a transformers causal language model with its tokenizer
    DIR/vision/                 an open_clip model directory: open_clip_config.json, open_clip_model.safetensors; or a
                                transformers Blip2Model, which is its own Q-Former
    DIR/qformer/                a transformers Blip2QFormerModel and query_tokens.safetensors (see ``model.qformer`` and
                                ``model.blip2``), or a Blip2Model
    DIR/projection.safetensors  projector.weight [H, D], projector.bias [H], position_embedding.weight [100, D]
    DIR/adapter/                optional: a PEFT adapter of the language model

H is the hidden size of the language model, D the width of a query token. A part may be a symbolic link: weights
that lie elsewhere need not be copied.

Loads no torch: opening a directory and reading its fingerprints is cheap. Does not know how models are built or run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.file_digest import file_digest
from narrator_ray.model.weights_files import PROJECTION_FILE, PartName, files_that_matter, missing_files
from narrator_ray.records import Language

MODEL_FORMAT: Final = "narrator-ray.model/1"
SPEC_FILE = "narrator.json"
NUM_POSITIONS = 100
"""Rows of the position embedding: relative clip position in percent. Source: paper, section 4.2 (clip position)."""

_VOLATILE_KEYS = {"transformers_version", "_name_or_path", "name_or_path", "is_local", "local_files_only"}
"""Keys of saved configurations that say where and with what a model was saved, not what it computes."""

PositiveInt = Annotated[int, Field(ge=1)]
Triple = tuple[float, float, float]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class VisionSpec(_Strict):
    """What the vision side takes and gives."""

    kind: Literal["open_clip_qformer", "open_clip_patches", "blip2"]
    """Who reads what: a Q-Former the feature maps of an open_clip tower, place by place; BLIP-2's Q-Former the patch
    tokens of an open_clip ViT, class token first; or all of it is a transformers Blip2Model."""
    image_size_px: PositiveInt
    """Width and height of the frames it takes."""
    num_queries: PositiveInt
    """Query tokens per frame, Q."""
    dim: PositiveInt
    """Width of a query token, D."""
    mean: Triple
    """Per channel, subtracted from pixels scaled to 0-1."""
    std: Triple
    """Per channel, divided by after the mean is subtracted."""
    feature_layers: Annotated[tuple[int, ...], Field(min_length=1)]
    """Which of the tower's intermediate outputs the Q-Former reads; negative numbers count from the end."""


class Fingerprints(_Strict):
    """Hex digests that change when, and only when, what is computed may change."""

    encoder: str
    """Vision tower, Q-Former and preprocessing."""
    narrator: str
    """Language model, tokenizer, projection, position embedding and adapter."""


class ModelSpec(_Strict):
    """The contents of narrator.json."""

    format: Literal["narrator-ray.model/1"]
    name: str
    """Name of the model, for people."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    """Languages it can write."""
    vision: VisionSpec
    is_trained: bool
    """False while Q-Former and projection are not trained: narrations then come from product knowledge alone."""
    prompt: str | None = None
    """Name of the prompt form the model was trained with; None for the default of its language."""
    fingerprints: Fingerprints


@dataclass(frozen=True, slots=True)
class ModelDirectory:
    """A complete model on disk.

    Attributes:
        path: The directory.
        spec: What its narrator.json says.
    """

    path: Path
    spec: ModelSpec

    @property
    def llm_path(self) -> Path:
        """The language model with its tokenizer, as transformers loads it."""
        return self.path / "llm"

    @property
    def vision_path(self) -> Path:
        """The image tower, as open_clip loads it with its ``local-dir:`` prefix."""
        return self.path / "vision"

    @property
    def qformer_path(self) -> Path:
        """The Q-Former and its query tokens."""
        return self.path / "qformer"

    @property
    def projection_path(self) -> Path:
        """Projector and position embedding."""
        return self.path / PROJECTION_FILE

    @property
    def adapter_path(self) -> Path | None:
        """The PEFT adapter of the language model, or None where the model has none."""
        path = self.path / "adapter"
        return path if path.is_dir() else None


def open_model_directory(path: Path) -> ModelDirectory:
    """Read what a model directory declares and check that every file is there and that the projection fits.

    Raises:
        ModelLoadError: Not a model directory of this format, or a file of it is missing or broken; names the file.
    """
    spec = _read_spec(path)
    missing = [
        str(part_folder.relative_to(path) / name)
        for part, part_folder in _parts(path, spec.vision).items()
        for name in missing_files(part, part_folder)
    ]
    if missing:
        raise ModelLoadError(f"{path}: not complete, build or copy it again; missing: {', '.join(missing)}")
    _check_projection(path, spec.vision.dim)
    return ModelDirectory(path, spec)


def seal_model_directory(
    path: Path,
    *,
    name: str,
    languages: tuple[Language, ...],
    vision: VisionSpec,
    is_trained: bool,
    prompt: str | None = None,
) -> ModelDirectory:
    """Compute the fingerprints of a directory whose parts are all written, and write its narrator.json.

    Raises:
        ModelLoadError: A part is missing.
    """
    spec = ModelSpec(
        format=MODEL_FORMAT,
        name=name,
        languages=languages,
        vision=vision,
        is_trained=is_trained,
        prompt=prompt,
        fingerprints=compute_fingerprints(path, vision),
    )
    (path / SPEC_FILE).write_text(spec.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return open_model_directory(path)


def compute_fingerprints(path: Path, vision: VisionSpec) -> Fingerprints:
    """Fingerprints of the parts that lie in a directory now: SHA-256 over weights and over what configures them."""
    parts = _parts(path, vision)
    files = {part: files_that_matter(part, folder) for part, folder in parts.items()}
    return Fingerprints(
        encoder=_digest(path, [*files["vision"], *files.get("qformer", [])], vision.model_dump_json()),
        narrator=_digest(path, [*files["llm"], path / PROJECTION_FILE, *files.get("adapter", [])], ""),
    )


def adapter_fingerprint(path: Path) -> str:
    """Fingerprint of a PEFT adapter in a directory of its own."""
    return _digest(path, files_that_matter("adapter", path), "")


def _parts(path: Path, vision: VisionSpec) -> dict[PartName, Path]:
    """Where the parts lie that a model of that kind has."""
    parts: dict[PartName, Path] = {"llm": path / "llm", "vision": path / "vision"}
    if vision.kind != "blip2":
        parts["qformer"] = path / "qformer"
    parts["projection"] = path
    if (path / "adapter").is_dir():
        parts["adapter"] = path / "adapter"
    return parts


def _digest(root: Path, files: Iterable[Path], settings: str) -> str:
    digest = hashlib.sha256(settings.encode())
    for file in files:
        digest.update(f"\n{file.relative_to(root)}\n".encode())
        if file.suffix == ".json" and file.name != "tokenizer.json":
            digest.update(_canonical_json(file))
        else:
            digest.update(file_digest(file))
    return digest.hexdigest()


def _canonical_json(file: Path) -> bytes:
    data = json.loads(file.read_text(encoding="utf-8"))
    if isinstance(data, dict):
        data = {key: value for key, value in data.items() if key not in _VOLATILE_KEYS}
    return json.dumps(data, sort_keys=True, ensure_ascii=False).encode()


def _check_projection(path: Path, dim: int) -> None:
    """Compare the shapes of projection.safetensors with those of the parts it joins; reads its header only."""
    file = path / PROJECTION_FILE
    try:
        hidden = json.loads((path / "llm" / "config.json").read_text(encoding="utf-8")).get("hidden_size")
        with safe_open(file, "numpy") as tensors:
            found = {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelLoadError(f"{file}: cannot be read: {error}") from error
    expected = {
        "projector.weight": (hidden, dim),
        "projector.bias": (hidden,),
        "position_embedding.weight": (NUM_POSITIONS, dim),
    }
    if found != expected:
        raise ModelLoadError(f"{file}: does not fit the model: expected {expected}, found {found}")


def _read_spec(path: Path) -> ModelSpec:
    file = path / SPEC_FILE
    try:
        data: Any = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelLoadError(f"{path}: not a model directory, there is no {SPEC_FILE}") from error
    except (OSError, ValueError) as error:
        raise ModelLoadError(f"{file}: cannot be read: {error}") from error
    if not isinstance(data, dict) or data.get("format") != MODEL_FORMAT:
        found = data.get("format") if isinstance(data, dict) else type(data).__name__
        raise ModelLoadError(f"{file}: expected format {MODEL_FORMAT!r}, found {found!r}")
    try:
        return ModelSpec.model_validate(data)
    except ValidationError as error:
        details = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ModelLoadError(f"{file}: {details}") from error
