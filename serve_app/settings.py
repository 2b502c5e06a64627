"""The argument of the application's builder: everything the endpoint can be told, strictly checked.

serve run serve_app.app:build preset=nano                 # strings from the command line
args: {preset: nano, limits: {max_upload_mb: 50}}         # in a Serve config file
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from narrator_ray.config import Config, Section, SourceSettings

PositiveInt = Annotated[int, Field(ge=1)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
KeyDigest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 of an API key, in hexadecimal digits."""


class Limits(Section):
    """What one request may ask for. Those of an upload are kept while it arrives."""

    max_upload_mb: PositiveInt = 200
    """Largest video, in MiB."""
    max_text_kb: PositiveInt = 64
    """Most KiB of everything else in a request: product, clips, storyline."""
    upload_timeout_s: PositiveFloat = 120.0
    """Seconds in which an upload must have arrived, or a video from its address."""
    max_uploads: PositiveInt = 8
    """Requests that one ingress replica takes at once; more are told to come back later."""
    max_video_s: PositiveFloat = 600.0
    """Longest video, in seconds."""
    max_pixels: PositiveInt = 9_000_000
    """Largest picture, width x height; 4K has 8.3 million."""
    max_clips: PositiveInt = 60
    """Most clips of a video, given or found."""
    decode_timeout_s: PositiveFloat = 60.0
    """Seconds after which a decoder that is not done with one of its two steps is killed."""
    request_timeout_s: PositiveFloat = 300.0
    """Seconds after which a request that is not done is given up."""
    job_timeout_s: PositiveFloat = 3600.0
    """Seconds after which a job that was begun and is not done has failed."""


class Access(Section):
    """Who may ask, and how often."""

    api_keys: dict[str, KeyDigest] = {}
    """SHA-256 of every API key, by the name of its owner. Empty: only this machine itself is served."""
    requests_per_minute: PositiveInt = 60
    """Narrations that one key may ask for in a minute, counted by each ingress replica."""
    max_concurrent: PositiveInt = 4
    """Narrations of one key at once, counted by each ingress replica."""
    max_jobs: PositiveInt = 20
    """Jobs of one key that have not ended."""
    allow_origins: tuple[str, ...] = ()
    """Web pages of other origins that may call the API from a browser; none by default."""


class Replicas(Section):
    """How many replicas of one deployment, and what each takes."""

    least: Annotated[int, Field(ge=1)] = 1
    """Fewest replicas."""
    most: PositiveInt = 1
    """Most replicas."""
    target_ongoing: PositiveFloat = 4.0
    """Requests in work for each replica that autoscaling aims at."""
    most_ongoing: PositiveInt = 16
    """Requests in work that one replica takes; more wait."""
    most_queued: int = Field(default=32, ge=-1)
    """Requests that may wait for a replica; beyond that they are answered 429. -1: any number."""
    upscale_delay_s: Annotated[float, Field(ge=0)] = 10.0
    """Seconds of more work than aimed at before replicas are added."""
    downscale_delay_s: Annotated[float, Field(ge=0)] = 300.0
    """Seconds of less work before replicas are taken away."""
    num_cpus: Annotated[float, Field(ge=0)] = 0.5
    """Logical CPUs of one replica."""
    num_gpus: Annotated[float, Field(ge=0)] = 0.0
    """GPUs, or the share of one, of one replica; it computes on a GPU where this is above zero."""


class ServeSettings(Section):
    """Everything the endpoint can be told."""

    preset: str | None = None
    """Name of a preset or path of a preset file; by default what `settings.model.preset` says."""
    settings: Config = Config()
    """Sections of the batch job's settings: clips, frames, model, length, decoding ... With `sources.allow_http`
    a video may be named by its address."""
    results: str = ""
    """Where results that may still be changed and open jobs are kept: a folder or s3:// prefix that all ingress
    replicas reach; by default a folder of this machine's temporary files that only this user can read."""
    keep_results_s: PositiveFloat = 3600.0
    """Seconds for which they are kept."""
    limits: Limits = Limits()
    access: Access = Access()
    ingress: Replicas = Replicas(target_ongoing=8.0, most_ongoing=32, most_queued=64, num_cpus=0.25)
    encoder: Replicas = Replicas(num_cpus=0.25)
    narrator: Replicas = Replicas(target_ongoing=8.0, most_ongoing=32)
    jobs_at_once: Annotated[int, Field(ge=0)] = 1
    """Jobs that one ingress replica has narrated at once, beside its requests."""
    job_silence_s: Annotated[float, Field(ge=1)] = 20.0
    """Seconds after which a replica that works on a job and is not heard of is taken for dead, and another goes on."""
    keep_jobs_s: PositiveFloat = 86400.0
    """Seconds after which a job is forgotten, ended or not."""
    decoders: PositiveInt = 2
    """Videos that one ingress replica decodes at once, each in a process of its own."""
    drain_timeout_s: PositiveFloat = 300.0
    """Seconds that a replica which is told to stop has to finish what it is at."""
    health_period_s: PositiveFloat = 10.0
    """Seconds between health checks, which narrate a clip where nothing else has shown that the model works; a replica
    that dies is missed at the next one."""

    @property
    def sources(self) -> SourceSettings:
        """Where videos that are named by their address may come from; limits are those of uploads."""
        limits = self.limits
        own = {"max_video_mb": limits.max_upload_mb, "download_timeout_s": limits.upload_timeout_s}
        return self.settings.sources.model_copy(update=own)

    @property
    def config(self) -> Config:
        """The settings that narration follows: limits of the endpoint take the place of those of the batch job."""
        config, limits = self.settings, self.limits
        frames = config.frames.model_copy(update={"max_video_s": limits.max_video_s, "max_pixels": limits.max_pixels})
        decode = config.decode.model_copy(update={"timeout_s": limits.decode_timeout_s})
        model = config.model.model_copy(update={"preset": self.preset or config.model.preset})
        return config.model_copy(update={"frames": frames, "decode": decode, "model": model})
