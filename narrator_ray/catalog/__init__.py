"""What comes in: the manifest, and the files it names.

manifest.py       a catalogue file -> videos, or every problem of every row
text_tables.py    JSONL and CSV -> raw rows
parquet_table.py  Parquet -> raw rows that mean the same
columns.py        column names -> fields
rows.py           one raw row -> a video
shard.py          which videos one of several runs has
fields.py         id, language, extra
product_field.py  product and its knowledge
video_field.py    where the video lies
clip_fields.py    clips, storyline, narrations, word ranges
source.py         the version of a video file, and a local copy of it
http_source.py    ... over HTTP

This file itself loads nothing.
"""
