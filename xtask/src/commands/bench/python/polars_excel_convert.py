"""Converts a workbook to Parquet with Polars as a user would, which holds all of it in memory.

Arguments: the input, the output. Prints the seconds from the first call of Polars to the end of the
conversion: the import is not in them.
"""

import sys
import time

import polars

source, target = sys.argv[1:]
start = time.perf_counter()
polars.read_excel(source).write_parquet(target, compression="zstd")
print(time.perf_counter() - start)
