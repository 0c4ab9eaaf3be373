"""Loads every file of a folder with DuckDB, all columns as text and the dialect found out by itself, and
writes each as Parquet into another folder.

Arguments: the folder of the files, the folder of the results, further arguments of `read_csv`. Prints,
as JSON, DuckDB's version and the first line of the error for each file that it refused.
"""

import json
import pathlib
import sys

import duckdb

sources, targets = map(pathlib.Path, sys.argv[1:3])
options = ", ".join(["all_varchar = true", *sys.argv[3:]])
refused = {}
for source in sorted(sources.iterdir()):
    # A connection of its own, so that no file can break another's.
    with duckdb.connect() as connection:
        try:
            connection.execute(
                f"COPY (FROM read_csv('{source}', {options})) "
                f"TO '{targets / source.name}' (FORMAT parquet, COMPRESSION uncompressed)"
            )
        except duckdb.Error as error:
            refused[source.name] = str(error).splitlines()[0]
json.dump({"version": duckdb.__version__, "refused": refused}, sys.stdout)
