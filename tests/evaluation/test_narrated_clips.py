"""Narrations are read from a run, from our table and from the released output.json alike."""

from dataclasses import replace

import pytest

from narrator_ray.errors import SchemaError, StorageError
from narrator_ray.evaluation.narrated_clips import NarratedClip, read_narrated_clips
from narrator_ray.outputs.tables import narrations_table, to_parquet_bytes
from narrator_ray.records import Clip, ScriptLabel
from tests.evaluation.mugs import write_output
from tests.outputs.samples import narrated_video, row_of


def test_the_released_format_is_read(tmp_path):
    """Labels by name, what is no label being none; a clip without narration is listed."""
    clips = read_narrated_clips(write_output(tmp_path))
    assert clips[1] == NarratedClip(
        "red", 2, "红色的杯子能保温。", (ScriptLabel.PRODUCT_EFFECT, ScriptLabel.PRODUCT_TRIAL), None, True
    )
    assert clips[3] == NarratedClip("blue", 1, None, (), None, True)


def test_our_table_is_read(tmp_path):
    """Labels that came with the catalogue are not the model's choice."""
    chosen, given = narrated_video("a"), narrated_video("b", ("Blue.",))
    told = replace(given.narrations[0], label_source="predefined")
    given = replace(given, narrations=(told,))
    table = narrations_table([(row_of(item), item) for item in (chosen, given)], "f00d")
    file = tmp_path / "narrations.parquet"
    file.write_bytes(to_parquet_bytes(table))
    assert read_narrated_clips(str(file)) == [
        NarratedClip("a", 0, "Cold for 24 hours.", (ScriptLabel.PRODUCT_EFFECT,), Clip(0, 4)),
        NarratedClip("b", 0, "Blue.", None, Clip(0, 4)),
    ]


@pytest.mark.parametrize("content", ["{", "[]", '{"red": {}}', '{"red_1": "text"}'])
def test_another_file_is_refused(tmp_path, content):
    """With its name."""
    file = tmp_path / "other.json"
    file.write_text(content)
    with pytest.raises(SchemaError, match=r"other\.json"):
        read_narrated_clips(str(file))


def test_an_empty_directory_is_no_run(tmp_path):
    """It says so."""
    with pytest.raises(StorageError):
        read_narrated_clips(str(tmp_path))
