"""Prints how many rows and bytes a Parquet file or object has and the type of each column, as JSON."""

import json
import os
import sys

import pyarrow.parquet

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import store

place = sys.argv[1]
if place.startswith("s3://"):
    source = store.open_store().open_input_file(store.key(place))
    size = source.size()
else:
    source = place
    size = os.path.getsize(place)
file = pyarrow.parquet.ParquetFile(source)
types = {field.name: str(field.type) for field in file.schema_arrow}
json.dump({"rows": file.metadata.num_rows, "bytes": size, "types": list(types.items())}, sys.stdout)
