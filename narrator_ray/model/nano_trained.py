"""The trained parts of nano in one small file: Q-Former, projector, position embedding and LoRA adapter, in float16.

Written by jobs/train_nano.py, shipped with the package, and unpacked into a model directory when nano is built. Knows
nothing of how they were trained.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.model_dir import ModelDirectory
from narrator_ray.model.weights_files import PROJECTION_FILE, QUERY_TOKENS_FILE

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "narrator-ray.nano/1"
_PARTS = {
    "qformer.": "qformer/model.safetensors",
    "queries.": f"qformer/{QUERY_TOKENS_FILE}",
    "projection.": PROJECTION_FILE,
    "adapter.": "adapter/adapter_model.safetensors",
}
"""Prefix of a part's tensors, and its file in a model directory."""
_ADAPTER_SETTINGS = ("peft_type", "task_type", "r", "lora_alpha", "target_modules")


def shipped_file() -> Path:
    """The file that comes with the package."""
    return Path(str(files("narrator_ray") / "presets" / "nano.safetensors"))


def save_trained_parts(model: ModelDirectory, target: Path) -> None:
    """Write the trained parts of a model directory."""
    import torch
    from safetensors.torch import load_file, save_file

    tensors = {
        f"{prefix}{name}": tensor.to(torch.float16).contiguous()
        for prefix, file in _PARTS.items()
        for name, tensor in load_file(model.path / file).items()
    }
    adapter = json.loads((model.path / "adapter" / "adapter_config.json").read_text(encoding="utf-8"))
    adapter = {name: adapter[name] for name in _ADAPTER_SETTINGS}
    qformer = json.loads((model.qformer_path / "config.json").read_text(encoding="utf-8"))
    save_file(
        tensors, target, metadata={"format": FORMAT, "adapter": json.dumps(adapter), "qformer": json.dumps(qformer)}
    )
    target.chmod(0o644)  # safetensors writes for the owner alone


def write_trained_parts(source: Path, path: Path) -> None:
    """Unpack what :func:`save_trained_parts` wrote into a model directory, as float32.

    Raises:
        ModelLoadError: The file is missing, broken, or of another format.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save_file

    try:
        with safe_open(source, "pt") as stream:
            settings = stream.metadata() or {}
            tensors: dict[str, Tensor] = {name: stream.get_tensor(name).float() for name in stream.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelLoadError(f"{source}: cannot be read: {error}; reinstall narrator-ray") from error
    if settings.get("format") != FORMAT:
        raise ModelLoadError(f"{source}: expected format {FORMAT!r}, found {settings.get('format')!r}")
    for prefix, file in _PARTS.items():
        part = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        (path / file).parent.mkdir(exist_ok=True)
        save_file(part, path / file, metadata={"format": "pt"})
    _write_json(path / "qformer" / "config.json", json.loads(settings["qformer"]))
    _write_json(path / "adapter" / "adapter_config.json", json.loads(settings["adapter"]) | {"inference_mode": True})


def _write_json(file: Path, data: dict[str, Any]) -> None:
    file.write_text(json.dumps(data, indent=2, sort_keys=True) + "\n", encoding="utf-8")
