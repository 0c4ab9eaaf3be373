"""Converts a file to Parquet with Polars as a user would, without holding all of it in memory.

Arguments: the format, the input, the output. Prints the seconds from the first call of Polars to the
end of the conversion: the import is not in them.
"""

import sys
import time

import polars

form, source, target = sys.argv[1:]
start = time.perf_counter()
if form == "csv":
    frame = polars.scan_csv(source, try_parse_dates=True)
else:
    frame = polars.scan_ndjson(source)
frame.sink_parquet(target, compression="zstd")
print(time.perf_counter() - start)
