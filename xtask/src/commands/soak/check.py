"""Reads outputs back and compares them with what was sent, which follows from a seed: see `tables.rs`.

Standard input has a JSON list of `[path, seed, rows]`; what is wrong is printed, a line each.
"""

import datetime
import json
import sys

import pyarrow.parquet

for path, seed, rows in json.load(sys.stdin):
    try:
        table = pyarrow.parquet.read_table(path, partitioning=None)
    except Exception as error:
        print(f"{path}: {error}")
        continue
    ids = range(1, rows + 1)
    expected = {
        "id": list(ids),
        "name": [f'näme, "{(seed * 31 + id * 17) % 1000}"' for id in ids],
        "day": [datetime.date(2026, 1, 1 + (seed + id) % 28) for id in ids],
    }
    found = {name: column.to_pylist() for name, column in zip(table.column_names, table.columns)}
    if found != expected:
        print(f"{path}: {table.num_rows} rows, which are not the {rows} of seed {seed}")
