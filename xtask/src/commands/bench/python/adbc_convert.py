"""Converts a table of PostgreSQL to Parquet with ADBC, and PyArrow to write, as a user would: batch by
batch.

Arguments: the database's URL, the table, the output. Prints the seconds from the first call of ADBC to
the end of the conversion: the import is not in them.
"""

import sys
import time

import adbc_driver_postgresql.dbapi
import pyarrow.parquet

url, table, target = sys.argv[1:]
start = time.perf_counter()
with adbc_driver_postgresql.dbapi.connect(url) as connection, connection.cursor() as cursor:
    cursor.execute(f"SELECT * FROM {table}")
    batches = cursor.fetch_record_batch()
    with pyarrow.parquet.ParquetWriter(target, batches.schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
print(time.perf_counter() - start)
