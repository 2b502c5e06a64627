"""Weights from the Hugging Face hub: taken from its cache on this machine, downloaded where the network allows.

Only the files that a part needs are asked for: of a Blip2Model not the shards of its language model, of a repository
with several formats one. Offline (``HF_HUB_OFFLINE=1``, or no network) nothing is downloaded. Loads no torch.
"""

from __future__ import annotations

from pathlib import Path

from narrator_ray.errors import ModelLoadError
from narrator_ray.model.weights_files import PartName, is_blip2, missing_files

_SETTINGS = ("*.json", "*.jinja", "tokenizer.model", "merges.txt", "vocab.txt")
_MAX_CAUSE_CHARACTERS = 200
_OTHER_FORMATS = {
    "model.safetensors": "pytorch_model.bin",
    "open_clip_model.safetensors": "open_clip_pytorch_model.bin",
    "adapter_model.safetensors": "adapter_model.bin",
}


def find_in_hub_cache(repository: str, part: PartName) -> Path | None:
    """Where a repository (``owner/name``, or ``owner/name@revision``) lies on this machine, or None.

    Looks at the disk only, and gives a folder only if all files of the part are there.
    """
    folder = _snapshot(repository, is_local=True)
    return folder if folder is not None and not missing_files(part, folder) else None


def fetch_from_hub(repository: str, part: PartName) -> Path:
    """The folder of a repository on this machine, downloaded now where it is not complete.

    Raises:
        ModelLoadError: It cannot be downloaded; says what to run and what to set instead.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # of whichever httpx it uses

    if (folder := find_in_hub_cache(repository, part)) is not None:
        return folder
    if constants.HF_HUB_OFFLINE:
        raise ModelLoadError(_explain(repository, part, "HF_HUB_OFFLINE is set"))
    try:
        return _download(repository, part)
    except (OSError, ValueError, HTTPError) as error:
        raise ModelLoadError(_explain(repository, part, _in_a_line(error))) from error


def download_command(repository: str) -> str:
    """The command that puts a repository into the hub's cache."""
    name, _, revision = repository.partition("@")
    return f"hf download {name}{f' --revision {revision}' if revision else ''}"


def _explain(repository: str, part: PartName, cause: str) -> str:
    return (
        f"{repository}: not on this machine and cannot be downloaded ({cause}). Where there is a network, run "
        f"`{download_command(repository)}` (gated models: accept their license and run `hf auth login` first) and copy "
        f"what it prints here; or set source.{part} of the preset to a directory or s3:// prefix that holds it"
    )


def _download(repository: str, part: PartName) -> Path:
    """Settings first: they say which weights there are."""
    folder = _snapshot(repository, patterns=list(_SETTINGS))
    missing = missing_files(part, folder) if folder else []
    if missing:
        _snapshot(repository, patterns=missing)
    if folder and (others := [_OTHER_FORMATS[name] for name in missing_files(part, folder) if name in _OTHER_FORMATS]):
        _snapshot(repository, patterns=others)
    if folder is None or (missing := missing_files(part, folder)):
        kind = "a Blip2Model" if folder and is_blip2(folder) else f"this project's {part}"
        raise ModelLoadError(f"{repository}: the repository is not {kind}: it has no {', '.join(missing)}")
    return folder


def _snapshot(repository: str, patterns: list[str] | None = None, is_local: bool = False) -> Path | None:
    """The folder of a repository; None if only this machine may be looked at and it is not there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    name, _, revision = repository.partition("@")
    try:
        return Path(
            snapshot_download(name, revision=revision or None, allow_patterns=patterns, local_files_only=is_local)
        )
    except LocalEntryNotFoundError:
        if is_local:
            return None
        raise
    except HFValidationError as error:
        raise ModelLoadError(f"{repository}: not a name that a repository of the hub can have: {error}") from error


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())[:_MAX_CAUSE_CHARACTERS]
