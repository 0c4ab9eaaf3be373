"""Converts a table of a database to Parquet with ConnectorX, and Polars to write, as a user would.

Arguments: the database's URL, the table, the number of partitions, the column by which the table is
split, the output. Prints the seconds from the first call of ConnectorX to the end of the conversion:
the import is not in them.
"""

import sys
import time
from urllib.parse import urlsplit

import connectorx
import polars  # What `return_type` asks for; its import is not measured either.

url, table, partitions, column, target = sys.argv[1:]
if url.startswith("mariadb:"):
    # It knows the older name only, and speaks TLS when it is asked to.
    place = urlsplit(url)
    url = f"mysql://{place.netloc}{place.path}"
split = {"partition_on": column, "partition_num": int(partitions)} if partitions != "1" else {}
start = time.perf_counter()
frame = connectorx.read_sql(url, f"SELECT * FROM {table}", return_type="polars", **split)
frame.write_parquet(target, compression="zstd")
print(time.perf_counter() - start)
