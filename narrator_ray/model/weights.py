"""Where the weights of a model's parts come from: a directory, the Hugging Face hub, or an s3:// prefix.

A location is written in one line:

    /models/llm, ./llm, ../llm, ~/llm    a directory; relative ones count from the preset's file, also where it is on S3
    Qwen/Qwen2.5-7B-Instruct             a repository of the hub, at a revision if ``@revision`` follows
    open_clip:ViT-L-14/openai            a model of open_clip and the name of its weights
    s3://bucket/models/llm               everything under a prefix, copied once to each machine

Loads no torch, except that :func:`resolve` asks open_clip where its models lie.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from narrator_ray.config import DEFAULT_STORAGE, StorageSettings
from narrator_ray.errors import ConfigError, ModelLoadError
from narrator_ray.model.weights_files import PartName, missing_files
from narrator_ray.model.weights_hub import download_command, fetch_from_hub, find_in_hub_cache
from narrator_ray.model.weights_mirror import mirror

OPEN_CLIP: Final = "open_clip:"
_S3: Final = "s3://"
_DIRECTORY = re.compile(r"(/|\.{1,2}(/|$)|~)")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")
_OPEN_CLIP_MODEL = re.compile(re.escape(OPEN_CLIP) + r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class PartsSource:
    """A model put together from parts, each of which lies where it lies.

    Attributes:
        llm: A causal language model of transformers with its tokenizer. Baichuan's packed attention is unpacked.
        vision: An open_clip model, or a Blip2Model of transformers, which is its own Q-Former.
        qformer: A Blip2QFormerModel with its query tokens, or a Blip2Model whose Q-Former is taken.
        projection: A directory with projection.safetensors. None starts untrained: the projector is zero.
        adapter: A PEFT adapter of the language model.
        feature_layers: Which intermediate outputs of an open_clip tower the Q-Former reads. BLIP-2's Q-Formers were
            trained on the last layer but one.
        prompt: Name of the prompt form the parts were trained with; None for the default of each language.
    """

    llm: str
    vision: str = f"{OPEN_CLIP}ViT-L-14/openai"
    qformer: str | None = None
    projection: str | None = None
    adapter: str | None = None
    feature_layers: Annotated[tuple[int, ...], Field(min_length=1)] = (-2,)
    prompt: str | None = None

    def locations(self) -> Iterator[tuple[PartName, str]]:
        """The parts that are given, and where they lie."""
        names: tuple[PartName, ...] = ("llm", "vision", "qformer", "projection", "adapter")
        for part in names:
            if (location := getattr(self, part)) is not None:
                yield part, location

    def absolute(self, folder: Path | str) -> PartsSource:
        """The same, relative directories made absolute; they count from a folder or an s3:// prefix.

        Raises:
            ConfigError: A location is not written as one.
        """
        absolute: dict[str, Any] = {part: absolute_location(text, folder) for part, text in self.locations()}
        return replace(self, **absolute)


def absolute_location(text: str, folder: Path | str) -> str:
    """A location as it is used: a directory as an absolute path or on S3, all others as they are.

    Raises:
        ConfigError: It is none of the forms above.
    """
    if text.startswith(_S3) or _OPEN_CLIP_MODEL.fullmatch(text):
        return text
    if _DIRECTORY.match(text):
        return absolute_directory(text, folder)
    if _REPOSITORY.fullmatch(text) and not text.startswith(OPEN_CLIP):
        return text
    raise ConfigError(
        f"{text!r}: not a place for weights: give a directory that starts with / or ./ or ~, a hub repository "
        f"(owner/name or owner/name@revision), {OPEN_CLIP}MODEL/WEIGHTS, or an s3://bucket/prefix"
    )


def absolute_directory(text: str, folder: Path | str) -> str:
    """A directory as an absolute path; relative ones count from a folder or an s3:// prefix."""
    path = Path(text).expanduser()
    if isinstance(folder, Path) or path.is_absolute():
        return str((folder / path).absolute())
    return _S3 + posixpath.normpath(posixpath.join(folder.removeprefix(_S3), text))


def resolve(part: PartName, location: str, storage: StorageSettings = DEFAULT_STORAGE) -> Path:
    """The local folder that holds a part, complete; downloaded or copied first where needed.

    Args:
        part: Which.
        location: Where, in one of the forms above.
        storage: How S3 is spoken.

    Raises:
        ModelLoadError: It is not there, not complete, or cannot be fetched; says what to do.
    """
    if location.startswith(_S3):
        folder = mirror(location, storage)
    elif location.startswith("/"):
        folder = Path(location)
    else:
        return fetch_from_hub(_repository(location), part)
    if missing := missing_files(part, folder):
        raise ModelLoadError(_incomplete(part, location, missing))
    return folder


def why_missing(part: PartName, location: str) -> str | None:
    """What keeps a part from being used on this machine without a network, or None if nothing is known to.

    Cheap: looks at local files only. Prefixes on S3 and names of open_clip are looked up when they are used.
    """
    if location.startswith((_S3, OPEN_CLIP)):
        return None
    if location.startswith("/"):
        missing = missing_files(part, Path(location))
        return _incomplete(part, location, missing) if missing else None
    if find_in_hub_cache(location, part) is not None:
        return None
    return f"{location} is not downloaded yet: `{download_command(location)}`"


def _incomplete(part: PartName, location: str, missing: list[str]) -> str:
    return (
        f"{location}: not complete, missing: {', '.join(missing)}; put the files there, or set source.{part} of the "
        "preset to where they are"
    )


def _repository(location: str) -> str:
    """The hub repository of a location that is one, or that names a model of open_clip."""
    if not location.startswith(OPEN_CLIP):
        return location
    from open_clip import get_pretrained_cfg, list_pretrained_tags_by_model

    model, _, weights = location.removeprefix(OPEN_CLIP).partition("/")
    known = (get_pretrained_cfg(model, weights) or {}).get("hf_hub")
    if not known:
        tags = ", ".join(list_pretrained_tags_by_model(model)) or "none"
        raise ModelLoadError(
            f"{location}: open_clip knows no such weights (of {model} it knows: {tags}); "
            "`python -c 'import open_clip; print(open_clip.list_pretrained())'` lists all"
        )
    return "/".join(str(known).split("/")[:2])
