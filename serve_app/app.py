"""The application's builder: settings in, deployments bound together out.

    serve run serve_app.app:build preset=nano

Serve binds to the loopback interface unless it is told otherwise. Ray's token does not protect its port: give
``access.api_keys`` before it is opened to others. How its proxies end answers that break off: :mod:`serve_app.proxy`.
"""

# No `from __future__ import annotations` here: Serve takes the builder's annotation for a class, to check arguments by.

from ray import serve
from ray.serve.config import AutoscalingConfig, BackpressureConfig
from ray.serve.deployment import Application, Deployment

from narrator_ray.errors import ConfigError
from narrator_ray.model.adapter_places import prepare_adapters
from narrator_ray.model.model_dir import adapter_fingerprint
from narrator_ray.model.presets import find_preset, prepare_model
from serve_app.deployments import EncoderReplica, Ingress, NarratorReplica
from serve_app.problems import BUSY_S
from serve_app.settings import Replicas, ServeSettings
from serve_app.way import Model


def build(settings: ServeSettings) -> Application:
    """The application for ``serve run`` and Serve config files.

    Raises:
        ConfigError: Settings that do not fit together, or a preset or adapter that there is not.
        ModelLoadError: Weights are missing.
    """
    config = settings.config
    if config.length.policy == "reference":
        raise ConfigError("settings.length.policy `reference` needs reference texts, which requests do not have")
    preset = find_preset(config.model.preset, config.storage)
    settings = settings.model_copy(update={"settings": preset.completed(settings.settings)})
    spec = prepare_model(preset, config.storage).spec
    adapters = prepare_adapters(config.model.adapters, config.model.adapters, config.storage)
    model = Model(preset.name, spec, {name: adapter_fingerprint(path) for name, path in adapters.items()})
    devices = [_device(config.model.device, replicas) for replicas in (settings.encoder, settings.narrator)]
    encoder = _deployment(EncoderReplica, "encoder", settings.encoder, settings).bind(preset, settings, devices[0])
    narrator = _deployment(NarratorReplica, "narrator", settings.narrator, settings).bind(preset, settings, devices[1])
    ingress = _deployment(Ingress, "ingress", settings.ingress, settings)
    return ingress.bind(preset, model, settings, encoder, narrator)


def _device(asked: str, replicas: Replicas) -> str:
    if asked == "auto":
        return "cuda" if replicas.num_gpus else "cpu"
    return asked


def _deployment(replica: type, name: str, replicas: Replicas, settings: ServeSettings) -> Deployment:
    made = serve.deployment(
        name=name,
        max_ongoing_requests=replicas.most_ongoing,
        max_queued_requests=replicas.most_queued,
        backpressure_config=BackpressureConfig(status_code=429, retry_after_s=BUSY_S),
        autoscaling_config=AutoscalingConfig(
            min_replicas=replicas.least,
            max_replicas=max(replicas.least, replicas.most),
            target_ongoing_requests=replicas.target_ongoing,
            upscale_delay_s=replicas.upscale_delay_s,
            downscale_delay_s=replicas.downscale_delay_s,
        ),
        ray_actor_options={"num_cpus": replicas.num_cpus, "num_gpus": replicas.num_gpus},
        graceful_shutdown_timeout_s=settings.drain_timeout_s,
        health_check_period_s=settings.health_period_s,
        health_check_timeout_s=max(30.0, 2 * settings.health_period_s),
    )
    return made(replica)
