"""Settings: where they come from, and what a mistake in them says."""

import pytest

from narrator_ray.config import Config, load_config
from narrator_ray.errors import ConfigError


def test_later_sources_win(tmp_path):
    """Defaults, then the file, then the preset's name, then single settings."""
    path = tmp_path / "run.yaml"
    path.write_text("model: {preset: other, device: cpu}\nframes: {fps: 2}\n", encoding="utf-8")
    config = load_config(path, preset="nano", overrides=["frames.fps=0.5"])
    assert (config.model.preset, config.model.device, config.frames.fps) == ("nano", "cpu", 0.5)


def test_the_resolved_settings_read_back_as_themselves(tmp_path):
    """The config.yaml beside a result repeats the run."""
    config = load_config(None, "tiny-random", ["decoding.seed=7", "length.policy=explicit"])
    path = tmp_path / "config.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    assert load_config(path) == config


@pytest.mark.parametrize(
    ("override", "nearest"),
    [("model.devise=cpu", "model.device"), ("frame.fps=2", "frames.fps"), ("decoding.sede=1", "decoding.seed")],
)
def test_a_misspelt_key_names_the_nearest(override, nearest):
    """A setting that does nothing is never silently accepted."""
    with pytest.raises(ConfigError, match=f"nearest is `{nearest}`"):
        load_config(overrides=[override])


def test_all_problems_are_listed_at_once():
    """Three mistakes, three messages."""
    with pytest.raises(ConfigError) as caught:
        load_config(overrides=["frames.fps=-1", "decoding.top_p=2", "run.max_rejected_fraction=nan"])
    assert all(key in str(caught.value) for key in ("frames.fps", "decoding.top_p", "run.max_rejected_fraction"))


def test_clip_lengths_that_cannot_both_hold_are_refused():
    """A shot just over the maximum must still be divisible into parts over the minimum."""
    with pytest.raises(ConfigError, match="twice min_clip_s"):
        load_config(overrides=["clips.min_clip_s=5", "clips.max_clip_s=8"])


@pytest.mark.parametrize("text", ["- a\n- b\n", "model: [", "nonsense"])
def test_a_file_that_is_not_sections_is_refused(tmp_path, text):
    """The message names the file."""
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        load_config(path)


def test_a_missing_file_is_refused(tmp_path):
    """The message names the file."""
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        load_config(tmp_path / "none.yaml")


@pytest.mark.parametrize("override", ["frames.fps", "frames.fps=[1"])
def test_a_malformed_setting_is_refused(override):
    """The message repeats what was typed."""
    with pytest.raises(ConfigError, match=override.split("=", maxsplit=1)[0].replace(".", r"\.")):
        load_config(overrides=[override])


def test_every_setting_says_what_it_means():
    """Field docstrings are the reference of the settings."""
    for name, section in Config.model_fields.items():
        for key, setting in section.annotation.model_fields.items():
            assert setting.description, f"{name}.{key}"


@pytest.mark.parametrize("name", ["access_key", "secret_access_key", "session_token", "profile"])
def test_credentials_are_no_settings(name):
    """Settings are written beside results; the message says where credentials come from, and does not repeat them."""
    with pytest.raises(ConfigError, match=f"{name}: credentials are no settings.*AWS_PROFILE") as caught:
        load_config(overrides=[f"storage.{name}=hunter2"])
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["minio:9000", "ftp://minio", "http://user:hunter2@minio:9000", "http://minio/bucket"])
def test_an_endpoint_is_a_scheme_and_a_host(url):
    """No user and no password in it either."""
    with pytest.raises(ConfigError, match=r"storage\.endpoint_url: .*without path, user or password") as caught:
        load_config(overrides=[f"storage.endpoint_url={url}"])
    assert "hunter2" not in str(caught.value)
