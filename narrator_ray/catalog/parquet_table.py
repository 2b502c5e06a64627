"""Parquet to raw rows. Columns may be nested values, JSON text or dotted parts of fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from narrator_ray.catalog.columns import header_problems, row_of_cells
from narrator_ray.catalog.text_tables import RawRow
from narrator_ray.errors import ManifestProblem

_BATCH_ROWS = 1024
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def read_parquet(file: IO[bytes]) -> Iterator[RawRow | ManifestProblem]:
    """Rows of a Parquet file, a batch in memory at a time. The index that pandas adds by itself is no column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
        columns = [name for name in table.schema_arrow.names if not _PANDAS_INDEX.fullmatch(name)]
        yield from header_problems(columns)
        number = 0
        for batch in table.iter_batches(_BATCH_ROWS):
            for cells in batch.to_pylist(maps_as_pydicts="lossy"):
                number += 1
                yield number, row_of_cells({name: cells[name] for name in columns})
    except (pa.ArrowException, ValueError, OverflowError) as error:
        yield ManifestProblem(None, "", f"cannot be read as Parquet: {error}")
