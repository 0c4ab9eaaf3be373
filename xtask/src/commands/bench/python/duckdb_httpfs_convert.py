"""Converts a CSV object to a Parquet object with DuckDB and its httpfs extension as a user would.

Arguments: the input, the output. Prints the seconds from the first call of DuckDB to the end of the
conversion: the import is not in them.
"""

import importlib.resources
import os
import sys
import time
from urllib.parse import urlsplit

import duckdb

source, target = sys.argv[1:]
folder = importlib.resources.files("duckdb_extension_httpfs")
extension = folder / "extensions" / f"v{duckdb.__version__}" / "httpfs.duckdb_extension"
endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL"])
start = time.perf_counter()
duckdb.execute(f"LOAD '{extension}'")
duckdb.execute(
    f"""CREATE SECRET (
        TYPE s3,
        KEY_ID '{os.environ["AWS_ACCESS_KEY_ID"]}',
        SECRET '{os.environ["AWS_SECRET_ACCESS_KEY"]}',
        REGION '{os.environ["AWS_REGION"]}',
        ENDPOINT '{endpoint.netloc}',
        USE_SSL {endpoint.scheme == "https"},
        URL_STYLE 'path'
    )"""
)
duckdb.execute(f"COPY (FROM read_csv('{source}')) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
print(time.perf_counter() - start)
