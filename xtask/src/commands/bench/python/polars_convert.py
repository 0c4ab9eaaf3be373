"""Converts a file or an object to Parquet with Polars as a user would, without holding all of it in
memory.

Arguments: the format, the input, the output. Prints the seconds from the first call of Polars to the
end of the conversion: the import is not in them.
"""

import os
import sys
import time

import polars

form, source, target = sys.argv[1:]
options = None
if source.startswith("s3://"):
    options = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
start = time.perf_counter()
if form == "csv":
    frame = polars.scan_csv(source, try_parse_dates=True, storage_options=options)
else:
    frame = polars.scan_ndjson(source)
frame.sink_parquet(target, compression="zstd", storage_options=options)
print(time.perf_counter() - start)
