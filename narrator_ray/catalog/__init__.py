"""What comes in: the manifest, the files it names, and the storage that input and output lie on.

manifest.py       a catalogue file -> videos, or every problem of every row
tables.py         JSONL, CSV and Parquet -> raw rows that mean the same
rows.py           one raw row -> a video
fields.py         product, id, video, language, extra
clip_fields.py    clips, storyline, narrations, word ranges
storage.py        named objects under a root, written atomically, local or on S3
local_folder.py   ... on a local or network file system
object_store.py   ... on S3
filesystems.py    how remote places are opened, and what they raise
source.py         the version of a video file, and a local copy of it
http_source.py    ... over HTTP

This file itself loads nothing.
"""
