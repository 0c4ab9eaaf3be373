"""Writes the rows of a CSV file as NDJSON: numbers as numbers, dates as text."""

import sys

import duckdb

source, target = sys.argv[1:]
duckdb.execute(f"COPY (FROM read_csv('{source}')) TO '{target}' (FORMAT json)")
