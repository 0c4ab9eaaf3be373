"""Converts a file to Parquet with DuckDB and one of its extensions as a user would.

Arguments: the extension, the function that reads, the input, the output. Prints the seconds from the first
call of DuckDB to the end of the conversion: the import is not in them.
"""

import importlib.resources
import sys
import time

import duckdb

name, reader, source, target = sys.argv[1:]
folder = importlib.resources.files(f"duckdb_extension_{name}")
extension = folder / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
start = time.perf_counter()
duckdb.execute(f"LOAD '{extension}'")
duckdb.execute(f"COPY (FROM {reader}('{source}')) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
print(time.perf_counter() - start)
