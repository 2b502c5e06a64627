"""The settings of a run: one pydantic model per section, read from YAML, presets and ``--set section.key=value``.

Says nothing about how a setting is used. Units are in the names; a misspelt key is an error that names the nearest one.
"""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from narrator_ray.errors import ConfigError
from narrator_ray.records import Language

PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]

_NARROWEST_SPEECH = 0.1
"""Least width of the window of spoken time, as a share of the clip."""
_CREDENTIAL = re.compile(r"key|secret|token|password|profile|user", re.IGNORECASE)
_ENDPOINT = re.compile(r"https?://[^/@?#\s]+/?")


class Section(BaseModel):
    """Base of every section: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class SourceSettings(Section):
    """Where videos may come from. A catalogue is input: it does not decide what the cluster reads."""

    allow_http: bool = False
    """Whether `video` may be an http or https URL."""
    allow_private_addresses: bool = False
    """Whether such a URL, or what it redirects to, may lie on a private, link-local or loopback address. Proxies of the
    environment are used only where it may."""
    allow_roots: tuple[str, ...] = ()
    """Folders that local videos must lie in, links followed; empty allows every file that the job can read."""
    max_video_mb: Annotated[int, Field(ge=1)] = 8192
    """A larger video file is rejected, in MiB."""
    download_timeout_s: PositiveFloat = 1800.0
    """Seconds in which a remote video must have arrived."""


class StorageSettings(Section):
    """How s3:// is spoken, for catalogues, videos, weights and results alike, on every machine of a run.

    Credentials are no settings, because settings are written beside results: they come from the environment of each
    machine (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, roles of instances).
    """

    endpoint_url: str = ""
    """Where the service is, such as http://minio:9000; empty: AWS_ENDPOINT_URL, else Amazon's."""
    region: str = ""
    """Region of the buckets; empty: AWS_REGION, or what AWS_PROFILE says."""
    max_attempts: Annotated[int, Field(ge=1)] = 10
    """How often a request is made before its object is given up. Waits between grow from half a second, doubling, each
    a random share of that."""
    longest_wait_s: PositiveFloat = 20.0
    """Longest wait before a request is made again, in seconds."""
    connect_timeout_s: PositiveFloat = 10.0
    """Seconds after which an attempt to connect has failed."""
    read_timeout_s: PositiveFloat = 30.0
    """Seconds of silence after which a request has failed."""
    part_mb: Annotated[int, Field(ge=5, le=1024)] = 16
    """Objects of twice this size or more, in MiB, are uploaded in parts of it, four at a time."""

    @field_validator("endpoint_url")
    @classmethod
    def _check_endpoint(cls, url: str) -> str:
        if url and not _ENDPOINT.fullmatch(url):
            raise ValueError("must be http:// or https:// and a host, without path, user or password")
        return url

    @model_validator(mode="before")
    @classmethod
    def _refuse_credentials(cls, data: Any) -> Any:
        for name in data if isinstance(data, dict) else ():
            if _CREDENTIAL.search(str(name)):
                raise ValueError(
                    f"{name}: credentials are no settings, which are written beside results: set AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, in the environment"
                )
        return data


DEFAULT_STORAGE = StorageSettings()
"""S3 as the environment of each machine says."""


class ClipSettings(Section):
    """How a video without given clips is split."""

    min_clip_s: PositiveFloat = 1.5
    """Shortest clip in seconds; shorter shots join their neighbour."""
    max_clip_s: PositiveFloat = 12.0
    """Longest clip in seconds; a longer shot is cut into even parts."""
    detector_threshold: PositiveFloat = 27.0
    """PySceneDetect content detector: mean change of hue, saturation and luma (0-255) that makes a cut."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.max_clip_s < 2 * self.min_clip_s:
            raise ValueError("max_clip_s must be at least twice min_clip_s, or a long shot cannot be cut evenly")
        return self


class FrameSettings(Section):
    """Which frames of a clip are looked at."""

    fps: PositiveFloat = 1.0
    """Frames per second that are sampled; the paper's is 1."""
    max_video_s: PositiveFloat = 3600.0
    """A longer video is rejected rather than decoded, in seconds."""
    max_pixels: Annotated[int, Field(ge=1)] = 40_000_000
    """A video with larger pictures (width x height, as stored) is rejected before one is decoded; 8K has 33 million."""
    max_pictures: Annotated[int, Field(ge=1)] = 500_000
    """A video with more pictures, by its length and rate, is rejected; an hour at 120 a second has 432,000."""


class DecodeSettings(Section):
    """What one video may cost the process that decodes it, and how much of a damaged one is enough.

    Limits count for each of the two steps of a video, splitting and sampling.
    """

    least_fraction: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of a video's length that is enough to narrate where its file breaks off; 1 rejects every such video."""

    timeout_s: PositiveFloat = 900.0
    """Seconds after which a decoder that is not done is killed and the video rejected."""
    memory_mb: Annotated[int, Field(ge=256)] = 4096
    """Resident memory in MiB beyond which the decoder is killed and the video rejected."""
    recycle_after_steps: Annotated[int, Field(ge=1)] = 200
    """Steps (two a video) after which the decoder's process is replaced, so that leaks do not grow."""


class ModelSettings(Section):
    """Which model narrates, and where."""

    preset: str = "nano"
    """Name of a preset (see `narrator-ray presets`) or path of a preset YAML file."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes a GPU when the cluster has one."""
    compression_threshold: Annotated[float, Field(gt=-1, le=1)] = 0.9
    """Adjacent frames at least this similar (cosine) are compressed into one."""
    memory_frames: Annotated[int, Field(ge=1)] = 1
    """Length of the consolidated memory of all earlier clips, in frames."""
    use_adapter: bool = True
    """Whether the model's LoRA adapter is used (false: the paper's ablation a)."""
    adapters: dict[str, str] = {}
    """Further LoRA adapters by the name that catalogue rows give as `adapter`, and where each lies: a directory, a hub
    repository or an s3:// prefix. All lie in memory beside the model; a video is narrated with its own."""
    use_storyline: bool = True
    """Whether clips have script labels (false: ablation b)."""
    use_position: bool = True
    """Whether the model is told where in the video a clip lies (false: ablation c)."""
    use_compression: bool = True
    """Whether near-duplicate frames of the current clip are dropped (false: ablation d)."""
    memory: Literal["consolidated", "all", "none"] = "consolidated"
    """What is kept of earlier clips: memory_frames averaged frames, every frame as it is (ablation e), or nothing."""


class LengthSettings(Section):
    """How long a narration may be. Words are words in English and characters in Chinese."""

    policy: Literal["auto", "rate", "explicit", "reference", "speech"] = "auto"
    """`rate`: speaking rate x clip seconds; `explicit`: the catalogue's word_ranges; `reference`: length of the
    reference narration; `speech`: the seconds that it takes to say the text, as a share of the clip's; `auto`: explicit
    where the catalogue gives ranges, else rate."""
    rate_en: PositiveFloat = 2.5
    """English words per second."""
    margin_en: Annotated[int, Field(ge=0)] = 3
    """English words either side of rate x seconds (policy rate)."""
    rate_zh: PositiveFloat = 5.0
    """Chinese characters per second."""
    margin_zh: Annotated[int, Field(ge=0)] = 3
    """Chinese characters either side of rate x seconds (policy rate)."""
    reference_margin_en: Annotated[int, Field(ge=0)] = 5
    """English words either side of the reference's length (policy reference)."""
    reference_margin_zh: Annotated[int, Field(ge=0)] = 3
    """Chinese characters either side of the reference's length (policy reference)."""
    pace_en: Annotated[float, Field(ge=0.2, le=5)] = 1.0
    """Pace of the English voice, 1 being espeak-ng's 175 words a minute (policy speech)."""
    pace_zh: Annotated[float, Field(ge=0.2, le=5)] = 1.6
    """Pace of the Chinese voice, 1 being espeak-ng's; 1.6 says about five characters a second (policy speech)."""
    speech_least: Annotated[float, Field(ge=0, le=1)] = 0.6
    """Shortest spoken time of a narration as a share of its clip (policy speech)."""
    speech_most: Annotated[float, Field(gt=0, le=2)] = 0.9
    """Longest spoken time as a share of the clip; a tenth is left because spoken time is estimated (policy speech)."""

    @model_validator(mode="after")
    def _has_a_window(self) -> Self:
        if self.speech_most - self.speech_least < _NARROWEST_SPEECH:
            raise ValueError(
                f"speech_least {self.speech_least} and speech_most {self.speech_most}: the highest must exceed the "
                f"lowest by {_NARROWEST_SPEECH} at least, or few sentences fit"
            )
        return self

    def pace(self, language: Language) -> float:
        """Pace of the voice of a language."""
        return self.pace_en if language == "en" else self.pace_zh


class DecodingSettings(Section):
    """How the language model picks tokens."""

    temperature: Annotated[float, Field(ge=0, le=5)] = 0.0
    """0 is greedy."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Nucleus: sample among the likeliest tokens that hold this much probability."""
    repetition_penalty: Annotated[float, Field(ge=1, le=3)] = 1.1
    """Above 1 lowers the score of tokens that the story used already; the paper's is 1.1."""
    no_repeat_tokens: Annotated[int, Field(ge=0)] = 4
    """A story avoids phrases of this many tokens that it told before, the product's words excepted; 0 allows all."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the run; every video draws from its own stream derived from it."""


class RunSettings(Section):
    """How the work is spread and when a run counts as failed."""

    max_rejected_fraction: Fraction = 0.5
    """Exit code 3 when more than this share of the videos was rejected."""
    videos_per_task: Annotated[int, Field(ge=1)] = 4
    """Videos a decoding task holds; the unit of parallelism and of loss. Above 16,384 videos it grows: a run has at
    most 4,096 such tasks."""
    encode_batch_frames: Annotated[int, Field(ge=1)] = 32
    """Frames the vision encoder sees at once."""
    narrate_lanes: Annotated[int, Field(ge=1)] = 32
    """Videos narrated side by side by one model replica; fewer where its memory does not suffice. As many more wait
    beside them."""
    cpu_threads: Annotated[int, Field(ge=0)] = 0
    """Threads a model replica on CPU computes with; 0 takes all cores of its machine."""
    encoder_actors: Annotated[int, Field(ge=1)] = 1
    """Most vision encoder replicas."""
    encoder_gpus: PositiveFloat = 0.25
    """GPUs, or the share of one, that a vision encoder replica holds where there are GPUs."""
    narrator_actors: Annotated[int, Field(ge=1)] = 1
    """Most narrator replicas."""
    narrator_gpus: PositiveFloat = 0.75
    """GPUs, or the share of one, that a narrator replica holds where there are GPUs."""


class ReportSettings(Section):
    """What report.html holds."""

    embed_budget_mb: Annotated[float, Field(ge=0)] = 40.0
    """Videos are embedded in the page until this many MB are used; the rest are linked."""
    max_videos: Annotated[int, Field(ge=1)] = 500
    """Videos shown in the page, in catalogue order; the tables always hold all."""


class TrainingSettings(Section):
    """How a narrator is trained. The defaults are the paper's recipe for `baichuan-7b` on four GPUs.

    Projector and position embedding are trained in full, the language model through LoRA.
    """

    epochs: Annotated[int, Field(ge=1)] = 15
    """Passes over all videos."""
    learning_rate: PositiveFloat = 1e-4
    """Highest learning rate."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """How the learning rate falls to zero after the warm-up; `constant`: not at all."""
    warmup_fraction: Fraction = 0.03
    """Share of all steps in which the learning rate rises."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Decoupled weight decay of AdamW."""
    max_gradient_norm: PositiveFloat = 1.0
    """Longer gradients are shortened to this length."""
    lora_rank: Annotated[int, Field(ge=0)] = 64
    """Rank of the LoRA factors; 0 leaves the language model as it is (the paper's ablation a)."""
    lora_alpha: Annotated[int, Field(ge=1)] = 16
    """LoRA updates count alpha / rank."""
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of the inputs of LoRA factors that are zeroed while training."""
    lora_targets: tuple[str, ...] = ()
    """Names of the linear layers with LoRA, such as `q_proj`; empty takes every one but the output layer."""
    pack_videos: bool = True
    """Whether all clips of a video share one sequence, which is equal to a sample for each clip and far cheaper."""
    max_tokens: Annotated[int, Field(ge=1)] = 4096
    """Longest document; longer product descriptions are shortened. A packed video may have more tokens."""
    batch_tokens: Annotated[int, Field(ge=1)] = 8192
    """Most tokens that a worker puts through the model at once, padding included: about 28 clips of the paper's data
    when packed."""
    accumulate_batches: Annotated[int, Field(ge=1)] = 1
    """Batches of each worker that make one step."""
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """What the model computes in; what is trained is kept in float32. `auto`: bf16 where the GPU has it, else fp16 as
    in the paper; fp32 without GPU."""
    gradient_checkpointing: bool = True
    """Whether layers are computed twice, to keep less in memory."""
    zero_stage: Annotated[int, Field(ge=0, le=3)] = 2
    """What DeepSpeed shares out between workers: 1 optimiser state, 2 gradients too, 3 weights too; 0 nothing."""
    offload_optimizer: bool = False
    """Whether DeepSpeed keeps the optimiser state in the memory of the host."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the order, of the LoRA factors and of dropout."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.batch_tokens < self.max_tokens:
            raise ValueError("batch_tokens must be at least max_tokens, or the longest document fits no batch")
        if self.offload_optimizer and self.zero_stage == 0:
            raise ValueError("offload_optimizer needs zero_stage 1 or more")
        return self


class Config(Section):
    """Everything a run can be told."""

    sources: SourceSettings = SourceSettings()
    storage: StorageSettings = DEFAULT_STORAGE
    clips: ClipSettings = ClipSettings()
    frames: FrameSettings = FrameSettings()
    decode: DecodeSettings = DecodeSettings()
    model: ModelSettings = ModelSettings()
    length: LengthSettings = LengthSettings()
    decoding: DecodingSettings = DecodingSettings()
    run: RunSettings = RunSettings()
    report: ReportSettings = ReportSettings()
    training: TrainingSettings = TrainingSettings()

    def to_yaml(self) -> str:
        """The resolved settings as YAML, readable by :func:`load_config`."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def load_config(path: Path | None = None, preset: str | None = None, overrides: Sequence[str] = ()) -> Config:
    """Read the settings of a run: defaults, then the file, then the preset's name, then ``section.key=value`` pairs.

    Raises:
        ConfigError: A file that cannot be read, an unknown key, or a value of the wrong type or range; all listed.
    """
    data = _read_yaml(path) if path is not None else {}
    source = str(path) if path is not None else "settings"
    if preset is not None:
        _set(data, "model.preset", preset, source)
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise ConfigError(f"--set {override}: expected section.key=value, such as --set frames.fps=2")
        try:
            parsed = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"--set {override}: the value is not YAML: {error}") from error
        _set(data, key.strip(), parsed, f"--set {override}")
    return _validate(data, source)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected sections such as `model:`, got {type(data).__name__}")
    return data


def _set(data: dict[str, Any], dotted: str, value: Any, source: str) -> None:
    *sections, key = dotted.split(".")
    for section in sections:
        inner = data.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{source}: `{section}` is a value, not a section")
        data = inner
    data[key] = value


def _validate(data: Mapping[str, Any], source: str) -> Config:
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        problems = [_explain(tuple(item["loc"]), item["type"], item["msg"]) for item in error.errors()]
        raise ConfigError(f"{source}: " + "; ".join(problems)) from error


def _explain(location: tuple[str | int, ...], kind: str, message: str) -> str:
    dotted = ".".join(str(part) for part in location)
    if kind != "extra_forbidden":
        return f"{dotted}: {message}"
    nearest = difflib.get_close_matches(dotted, _known_keys(Config), n=1, cutoff=0.0)
    return f"{dotted}: no such setting; nearest is `{nearest[0]}`"


def _known_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys = []
    for name, info in model.model_fields.items():
        kind = info.annotation
        is_section = isinstance(kind, type) and not isinstance(kind, types.GenericAlias) and issubclass(kind, BaseModel)
        keys += (
            _known_keys(typing.cast(type[BaseModel], kind), f"{prefix}{name}.") if is_section else [f"{prefix}{name}"]
        )
    return keys
