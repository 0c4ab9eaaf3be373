"""Converts a file to Parquet with DuckDB as a user of its Python package would.

Arguments: the reading function, the input, the output. Prints the seconds from the first call of
DuckDB to the end of the conversion: the import is not in them.
"""

import sys
import time

import duckdb

reader, source, target = sys.argv[1:]
start = time.perf_counter()
duckdb.execute(f"COPY (FROM {reader}('{source}')) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
print(time.perf_counter() - start)
