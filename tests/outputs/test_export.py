"""Files for other tools: names that are safe, and one subtitle file a video."""

from dataclasses import replace

import pysubs2
import pytest

from narrator_ray.errors import SchemaError, StorageError
from narrator_ray.outputs.export import export_run
from narrator_ray.outputs.tables import narrations_table
from tests.outputs.samples import narrated_video, row_of


def table_of(*results):
    """The table of those results."""
    return narrations_table(((row_of(result), result) for result in results), "fp")


@pytest.mark.parametrize("format", ["srt", "vtt"])
def test_one_subtitle_file_per_video(tmp_path, format):
    """Each video gets a file named after its id with a cue for each clip."""
    paths = export_run(table_of(narrated_video("a", ("One.", "Two.")), narrated_video("b")), format, tmp_path / "new")
    assert [path.name for path in paths] == [f"a.{format}", f"b.{format}"]
    assert [event.text for event in pysubs2.load(str(paths[0]))] == ["One.", "Two."]


def test_language_comes_from_the_table(tmp_path):
    """A Chinese video is broken into Chinese lines."""
    result = replace(narrated_video(texts=("保湿锁水" * 6,)), language="zh")
    [path] = export_run(table_of(result), "srt", tmp_path)
    assert pysubs2.load(str(path))[0].text == "保湿锁水" * 3 + r"\N" + "保湿锁水" * 3


@pytest.mark.parametrize(
    ("video_id", "name"),
    [
        ("../../etc/passwd", "etc_passwd.srt"),
        ("/abs/olute", "abs_olute.srt"),
        ("a\\b:c*?", "a_b_c.srt"),
        ("..", "video.srt"),
        ("保湿 01", "保湿_01.srt"),
        ("con", "_con.srt"),
        ("-rf", "_-rf.srt"),
        (".hidden", "hidden.srt"),
        ("é" * 300, "é" * 60 + ".srt"),
    ],
)
def test_file_names_are_safe(tmp_path, video_id, name):
    """No id leaves the directory, hides the file, or is too long or reserved for a file system."""
    target = tmp_path / "to"
    assert export_run(table_of(narrated_video(video_id)), "srt", target) == [target / name]
    assert [path.name for path in target.iterdir()] == [name]


def test_names_that_collide_get_numbers(tmp_path):
    """Ids that differ only in what a file name cannot hold still get a file each."""
    results = [narrated_video(video_id) for video_id in ("a/b", "A_B", "a_b", "a_b-2")]
    paths = export_run(table_of(*results), "vtt", tmp_path)
    assert [path.name for path in paths] == ["a_b.vtt", "A_B-2.vtt", "a_b-3.vtt", "a_b-2-2.vtt"]


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_tables_are_one_file(tmp_path, format):
    """The tabular forms are a single file with every clip."""
    [path] = export_run(table_of(narrated_video("a"), narrated_video("b")), format, tmp_path)
    assert path == tmp_path / f"narrations.{format}"
    assert b"shop" not in path.read_bytes()
    assert path.read_bytes().count(b"Cold for 24 hours.") == 2


def test_empty_run_writes_no_subtitles(tmp_path):
    """A run without narrations has nothing to export, which is no error."""
    assert export_run(table_of(), "srt", tmp_path) == []


def test_unknown_label_in_the_table(tmp_path):
    """A table that holds a label of another version is refused."""
    table = table_of(narrated_video())
    place = table.schema.get_field_index("script_labels")
    broken = table.set_column(place, table.schema.field(place), [[["no_such_label"]]])
    with pytest.raises(SchemaError, match="no_such_label"):
        export_run(broken, "srt", tmp_path)


def test_unknown_language_in_the_table(tmp_path):
    """A table with a language that subtitles cannot be laid out for is refused."""
    with pytest.raises(SchemaError, match="'fr'"):
        export_run(table_of(replace(narrated_video(), language="fr")), "srt", tmp_path)


def test_directory_that_cannot_be_made(tmp_path):
    """A file in the way is an error that names the directory."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        export_run(table_of(narrated_video()), "srt", tmp_path / "file")
