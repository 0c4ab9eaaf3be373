"""Converts a table or a query of a database to Parquet with DuckDB and its extension for that database
as a user would.

Arguments: the extension, the database's URL or file, `table` or `query`, the table's name or the query,
the output. Prints the seconds from the first call of DuckDB to the end of the conversion: the import is
not in them.
"""

import importlib.resources
import sys
import time
from urllib.parse import urlsplit

import duckdb

extension, place, kind, relation, target = sys.argv[1:]
database = extension.removesuffix("_scanner")
folder = importlib.resources.files(f"duckdb_extension_{extension}")
library = folder / "extensions" / f"v{duckdb.__version__}" / f"{extension}.duckdb_extension"
if database == "mysql":
    url = urlsplit(place)
    place = (
        f"host={url.hostname} port={url.port} user={url.username} password={url.password} "
        f"database={url.path[1:]} ssl_mode=disabled"
    )
start = time.perf_counter()
duckdb.execute(f"LOAD '{library}'")
duckdb.execute(f"ATTACH '{place}' AS source (TYPE {database}, READ_ONLY)")
source = f"source.{relation}"
if kind == "query":
    source = f"{database}_query('source', '{relation}')"
duckdb.execute(f"COPY (FROM {source}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
print(time.perf_counter() - start)
