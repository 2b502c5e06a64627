"""The command line: what it says and which exit code it ends with."""

import json
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from narrator_ray.cli import app
from narrator_ray.cli.arguments import EXIT_BAD_INPUT, EXIT_TOO_MANY_REJECTED
from narrator_ray.errors import ConfigError

VERBS = (
    "check",
    "narrate",
    "extract",
    "plan",
    "show",
    "export",
    "publish",
    "gc",
    "evaluate",
    "train",
    "presets",
    "demo",
)
GOOD_ROW = {
    "video_id": "mug",
    "video": "mug.mp4",
    "product": {"name": "Sunny mug", "knowledge": {"effect": ["keeps warm"]}},
    "clips": [[0, 2], [2, 3.5]],
}


def run(*arguments: str) -> subprocess.CompletedProcess:
    """The installed command, in a process of its own."""
    command = [sys.executable, "-m", "narrator_ray", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb):
    """Help says what the verb does, on its own and in the list."""
    result = CliRunner().invoke(app, [verb, "--help"])
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 5
    assert verb in CliRunner().invoke(app, ["--help"]).stdout


def test_check_counts_what_a_catalogue_holds(write_manifest):
    """A good catalogue: counts, languages, known seconds, exit 0."""
    result = CliRunner().invoke(app, ["check", write_manifest([GOOD_ROW, {**GOOD_ROW, "video_id": "cup"}])])
    assert result.exit_code == 0
    assert "2 videos (2 en)" in result.stdout
    assert "no problems" in result.stdout


def test_check_lists_every_problem_and_exits_2(write_manifest):
    """All problems at once, each with row and field; no traceback."""
    bad = {**GOOD_ROW, "clips": [[2, 1]]}
    result = run("check", write_manifest([GOOD_ROW, GOOD_ROW, {**bad, "video_id": "x"}]))
    assert result.returncode == EXIT_BAD_INPUT
    assert "row 2, video_id" in result.stderr
    assert "row 3, clips[0]" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_misspelt_setting_exits_2_before_anything_starts(write_manifest, tmp_path):
    """The nearest setting is named and the output is not created."""
    out = tmp_path / "out"
    result = run("narrate", write_manifest([GOOD_ROW]), "--out", str(out), "--set", "model.presset=nano")
    assert result.returncode == EXIT_BAD_INPUT
    assert "model.preset" in result.stderr
    assert not out.exists()


@pytest.mark.parametrize(("allowed", "exit_code"), [("0.4", EXIT_TOO_MANY_REJECTED), ("1.0", 0)])
def test_too_many_rejected_videos_exit_3(write_manifest, tmp_path, allowed, exit_code):
    """The run is published all the same, and says where the reasons are; nothing had to be started for it."""
    out = str(tmp_path / "out")
    settings = ("--preset", "tiny-random", "--set", f"run.max_rejected_fraction={allowed}")
    result = run("narrate", write_manifest([GOOD_ROW]), "--out", out, *settings)
    assert result.returncode == exit_code, result.stderr
    assert "1 rejected" in result.stdout
    assert "video_not_found" in run("show", out).stdout


def test_plan_says_what_would_be_done_and_changes_nothing(write_manifest, tmp_path):
    """Counts by reason, the videos, no estimate without a past run; the output is not even created."""
    (tmp_path / "mug.mp4").write_bytes(b"not opened")
    manifest, out = write_manifest([GOOD_ROW, {**GOOD_ROW, "video_id": "lost", "video": "no.mp4"}]), tmp_path / "out"
    result = run("plan", manifest, "--out", str(out), "--preset", "tiny-random")
    assert result.returncode == 0, result.stderr
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert any(line.startswith("1 new the newest published run") for line in lines)
    assert any(line.startswith("1 not found") for line in lines)
    assert "1 to narrate, 1 of them to decode and encode first" in lines
    assert "mug: new" in lines
    assert "no estimate" in result.stdout
    assert not out.exists()


@pytest.mark.parametrize("option", ["--retry-rejected", "--retry-rejected=video_empty"])
def test_rejected_videos_are_asked_for_with_or_without_a_reason(write_manifest, tmp_path, option):
    """The option may stand alone, also before the catalogue's name."""
    result = run("plan", option, write_manifest([GOOD_ROW]), "--out", str(tmp_path), "--preset", "tiny-random")
    assert result.returncode == 0, result.stderr


def test_a_reason_that_does_not_exist_exits_2(write_manifest, tmp_path):
    """Those there are are named."""
    result = run("plan", write_manifest([GOOD_ROW]), "--out", str(tmp_path), "--retry-rejected=bored")
    assert result.returncode == EXIT_BAD_INPUT
    assert "video_empty" in result.stderr


@pytest.mark.parametrize("shard", ["4/3", "0/3", "a/b", ""])
@pytest.mark.parametrize("verb", ["narrate", "extract", "plan"])
def test_a_shard_that_does_not_exist_exits_2(write_manifest, tmp_path, verb, shard):
    """Before anything starts; the message shows what was given."""
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="shard") as caught:
        CliRunner().invoke(
            app, [verb, write_manifest([GOOD_ROW]), "--out", str(out), "--shard", shard], catch_exceptions=False
        )
    assert repr(shard) in str(caught.value)
    assert not out.exists()


def test_the_last_shard_publishes(write_manifest, tmp_path):
    """The first says what readers wait for, the last what all of them came to; a plan counts its own videos only."""
    manifest, out = (
        write_manifest([{**GOOD_ROW, "video_id": name} for name in ("mug", "cup", "杯")]),
        str(tmp_path / "o"),
    )
    options = ("--out", out, "--preset", "tiny-random", "--set", "run.max_rejected_fraction=1")
    first = run("narrate", manifest, *options, "--shard", "1/2")
    assert first.returncode == 0, first.stderr
    assert "1 videos: 0 narrated now" in first.stdout
    assert "shard 1/2 is complete; readers see nothing of it before 2/2 are" in first.stdout
    assert run("show", out).returncode == run("publish", out).returncode == EXIT_BAD_INPUT
    assert "2 not found" in " ".join(run("plan", manifest, *options[:4], "--shard", "2/2").stdout.split())
    last = run("narrate", manifest, *options, "--shard", "2/2")
    assert last.returncode == 0, last.stderr
    assert (
        last.stdout.index("2 videos: ")
        < last.stdout.index("all 2 shards are complete")
        < last.stdout.index("3 videos: ")
    )
    assert "3 rejected in run" in run("show", out, "--rejected").stdout
    again = run("publish", out)
    assert (again.returncode, again.stdout.count("3 videos: 0 narrated now")) == (0, 1), again.stderr


def test_rejected_videos_are_shown_and_unneeded_objects_counted(write_manifest, tmp_path):
    """After a run: stage, reason, tries and times; and nothing to be removed yet."""
    out = str(tmp_path / "out")
    manifest = write_manifest([GOOD_ROW])
    settings = ("--preset", "tiny-random", "--set", "run.max_rejected_fraction=1")
    for _ in range(2):
        assert run("narrate", manifest, "--out", out, *settings).returncode == 0
    shown = run("show", out, "--rejected").stdout
    assert re.search(r"mug +find_source +video_not_found +2 +20\d\d-\S+ +20\d\d-\S+ +\S", shown)
    assert "1 rejected in run" in shown
    found = run("gc", out)
    assert found.returncode == 0, found.stderr
    assert "would remove 0 objects" in found.stdout
    assert run("gc", str(tmp_path / "none")).returncode == EXIT_BAD_INPUT


def test_videos_outside_the_allowed_folders_are_rejected(write_manifest, tmp_path):
    """Whatever a catalogue names, the job reads only where it may."""
    (tmp_path / "mug.mp4").write_bytes(b"private")
    (tmp_path / "films").mkdir()
    manifest = write_manifest([{**GOOD_ROW, "video": str(tmp_path / "mug.mp4")}])
    settings = ("--preset", "tiny-random", "--allow-root", str(tmp_path / "films"))
    result = run("narrate", manifest, "--out", str(tmp_path / "out"), *settings)
    assert result.returncode == EXIT_TOO_MANY_REJECTED
    assert "source_refused" in run("show", str(tmp_path / "out")).stdout


def test_a_language_the_preset_cannot_write_exits_2(write_manifest, tmp_path):
    """The message names presets that can."""
    chinese = {**GOOD_ROW, "language": "zh"}
    result = run("narrate", write_manifest([chinese]), "--out", str(tmp_path / "out"), "--preset", "nano")
    assert result.returncode == EXIT_BAD_INPUT
    assert "tiny-random" in result.stderr


def test_show_without_a_run_exits_2(tmp_path):
    """The message says how to make one."""
    result = run("show", str(tmp_path))
    assert result.returncode == EXIT_BAD_INPUT
    assert "narrator-ray narrate" in result.stderr


def test_a_data_set_becomes_a_catalogue(tmp_path):
    """What is imported is a valid manifest with clips, labels and references; what has no file is counted."""
    clip = {"time": [0, 3], "label": "痛点铺垫+产品功效", "new_text": "手洗杯子太麻烦。"}
    entry = {"p_name": "保温杯", "p_info": "功效：保温、防漏", "frames": [clip, {**clip, "time": [3, 5]}]}
    source = tmp_path / "all_video_data.json"
    source.write_text(json.dumps({"aa.mp4": entry, "bb.mp4": entry}, ensure_ascii=False), encoding="utf-8")
    (tmp_path / "aa.mp4").touch()
    out = str(tmp_path / "catalog.parquet")
    result = run("import", "esyncvidstory", str(source), "--videos", str(tmp_path), "--out", out)
    assert result.returncode == 0, result.stderr
    assert "2 videos" in result.stdout and "1 without a video file" in result.stdout
    assert "4 clips" in run("check", out).stdout


def test_presets_say_whether_they_are_available():
    """Both embedded presets are listed with language and training state."""
    result = CliRunner().invoke(app, ["presets"])
    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert "not yet" not in lines["nano"]
    assert "not yet" in lines["tiny-random"]
    assert "zh" in lines["tiny-random"]


def test_the_version_is_printed():
    """--version needs no verb."""
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.startswith("narrator-ray ")


@pytest.mark.parametrize(
    "module",
    [
        "narrator_ray",
        "narrator_ray.cli",
        "narrator_ray.pipeline",
        "narrator_ray.train",
        "narrator_ray.console",
        "narrator_ray.runs.plan",
    ],
)
def test_light_modules_stay_light(module):
    """Neither torch nor ray is loaded by help, by checking a catalogue or by planning a run."""
    code = f"import sys, json, {module}; print(json.dumps([m for m in ('torch', 'ray') if m in sys.modules]))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(output.stdout) == []


def test_training_needs_a_catalogue_and_a_place(write_manifest, tmp_path):
    """As arguments or as settings; one of them alone is refused."""
    for arguments in ([], [write_manifest([GOOD_ROW])], ["--set", f"training.out={tmp_path / 'out'}"]):
        result = CliRunner().invoke(app, ["train", *arguments])
        assert isinstance(result.exception, ConfigError)
        assert "training.catalog" in str(result.exception)
