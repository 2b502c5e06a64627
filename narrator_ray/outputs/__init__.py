"""What goes out: stored objects, tables, subtitles and the report. Knows no Ray and no model."""
