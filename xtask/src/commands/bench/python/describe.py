"""Prints how many rows a Parquet file holds and the type of each column, as JSON."""

import json
import sys

import pyarrow.parquet

file = pyarrow.parquet.ParquetFile(sys.argv[1])
types = {field.name: str(field.type) for field in file.schema_arrow}
json.dump({"rows": file.metadata.num_rows, "types": list(types.items())}, sys.stdout)
