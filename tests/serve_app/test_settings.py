"""The builder's argument: strict, from strings or YAML, and what becomes of it."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from narrator_ray.errors import ConfigError
from serve_app.settings import ServeSettings

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"presett": "nano"}, "presett"),
        ({"limits": {"max_upload": 5}}, "limits.max_upload"),
        ({"settings": {"length": {"rate": 3}}}, "settings.length.rate"),
        ({"access": {"api_keys": {"north": "plain text"}}}, "access.api_keys.north"),
        ({"narrator": {"least": 0}}, "narrator.least"),
        ({"decoders": "many"}, "decoders"),
    ],
)
def test_wrong_settings_are_errors(given: dict, where: str) -> None:
    """Unknown keys above all, which Serve itself would pass over."""
    with pytest.raises(ValidationError) as caught:
        ServeSettings.model_validate(given)
    assert ".".join(map(str, caught.value.errors()[0]["loc"])) == where


def test_strings_of_the_command_line_are_understood() -> None:
    """``serve run serve_app.app:build preset=nano decoders=3`` gives strings."""
    settings = ServeSettings.model_validate({"preset": "nano", "decoders": "3", "keep_results_s": "60"})
    assert (settings.config.model.preset, settings.decoders, settings.keep_results_s) == ("nano", 3, 60.0)


def test_the_endpoints_limits_are_those_of_decoding() -> None:
    """Whatever the settings of the batch job say."""
    given = {
        "limits": {"max_video_s": 5, "decode_timeout_s": 7},
        "settings": {"frames": {"fps": 2, "max_video_s": 900}},
    }
    config = ServeSettings.model_validate(given).config
    assert (config.frames.max_video_s, config.decode.timeout_s, config.frames.fps) == (5.0, 7.0, 2.0)


def test_the_builder_refuses_what_cannot_work() -> None:
    """Before any replica is started."""
    pytest.importorskip("ray.serve")
    from serve_app.app import build

    for given, message in (
        ({"preset": "nanno"}, "nearest is 'nano'"),
        ({"preset": "tiny-random", "settings": {"length": {"policy": "reference"}}}, "reference texts"),
    ):
        with pytest.raises(ConfigError, match=message):
            build(ServeSettings.model_validate(given))


def test_a_full_queue_says_when_to_come_back() -> None:
    """Of every deployment; Serve itself would say that it is not there (503)."""
    pytest.importorskip("ray.serve")
    from ray.serve.deployment import Application

    from serve_app.app import build

    ingress = build(ServeSettings.model_validate({"preset": "tiny-random"}))._bound_deployment
    parts = [part._bound_deployment for part in ingress.init_args if isinstance(part, Application)]
    answers = {part.name: part.backpressure_config.model_dump() for part in (ingress, *parts)}
    assert answers == {key: {"status_code": 429, "retry_after_s": 5} for key in ("ingress", "encoder", "narrator")}


def test_serve_checks_what_the_command_line_gives() -> None:
    """It makes settings of it where the builder's annotation is their very class, and else hands over a dictionary."""
    pytest.importorskip("ray.serve")
    from serve_app.app import build

    [argument] = inspect.signature(build).parameters.values()
    assert argument.annotation is ServeSettings


def test_the_config_file_that_comes_with_it_is_sound() -> None:
    """Every key is known to Serve, and every argument to the builder."""
    from ray.serve.schema import ServeDeploySchema

    data = yaml.safe_load((ROOT / "serve_app" / "serve.yaml").read_text(encoding="utf-8"))
    ServeDeploySchema.model_validate(data)
    assert unknown_keys(data, ServeDeploySchema) == []
    ServeSettings.model_validate(data["applications"][0]["args"])
    assert data["http_options"]["host"] == "127.0.0.1"


def unknown_keys(data: dict[str, Any], schema: type[BaseModel]) -> list[str]:
    """Keys of a file that its schema does not have."""
    found = [name for name in data if name not in schema.model_fields]
    from ray.serve.schema import HTTPOptionsSchema, ServeApplicationSchema

    for name, inner in (("http_options", HTTPOptionsSchema), ("applications", ServeApplicationSchema)):
        for item in data[name] if isinstance(data.get(name), list) else [data.get(name, {})]:
            found += [f"{name}.{key}" for key in item if schema is not inner and key not in inner.model_fields]
    return found
