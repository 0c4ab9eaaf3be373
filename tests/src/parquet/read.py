"""Prints what a Parquet file holds, as JSON. The form is `Contents` in parquet.rs."""

import datetime
import json
import sys

import pyarrow.parquet


def text(value):
    """Returns a cell as text without losing anything; nested values as JSON of such texts."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return json.dumps([text(item) for item in value], ensure_ascii=False)
    if isinstance(value, dict):
        return json.dumps({key: text(item) for key, item in value.items()}, ensure_ascii=False)
    return str(value)


def cells(column):
    """Returns a column's cells; times to the nanosecond, which Python's own times do not have."""
    kind = column.type
    if pyarrow.types.is_timestamp(kind) and kind.unit == "ns":
        # As `date time.nanoseconds`, in UTC where the column has a time zone.
        return [None if item is None else str(item) for item in column.cast("string").to_pylist()]
    return [text(item) for item in column.to_pylist()]


file = pyarrow.parquet.ParquetFile(sys.argv[1])
table = file.read()
groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
json.dump(
    {
        "columns": [
            {"name": field.name, "type": str(field.type), "nullable": field.nullable}
            for field in table.schema
        ],
        "rows": list(zip(*(cells(column) for column in table.columns))),
        "row_groups": [group.num_rows for group in groups],
        "codecs": sorted(
            {
                group.column(index).compression
                for group in groups
                for index in range(group.num_columns)
            }
        ),
        "metadata": {
            key.decode(): value.decode()
            for key, value in (file.metadata.metadata or {}).items()
            if key != b"ARROW:schema"
        },
    },
    sys.stdout,
)
