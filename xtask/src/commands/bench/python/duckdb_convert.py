"""Converts a file to Parquet with DuckDB as a user of its Python package would.

Arguments: the reading function, the input, the output, and further arguments of the function.
Prints the seconds from the first call of DuckDB to the end of the conversion: the import is not in
them.
"""

import sys
import time

import duckdb

reader, source, target, *options = sys.argv[1:]
arguments = ", ".join([f"'{source}'", *options])
start = time.perf_counter()
duckdb.execute(f"COPY (FROM {reader}({arguments})) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
print(time.perf_counter() - start)
