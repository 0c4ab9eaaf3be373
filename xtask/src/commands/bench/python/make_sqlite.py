"""Writes the rows of a CSV file as a table of an SQLite database, over and over if that is asked for.

Arguments: the CSV file, the database, the statement that makes the table `lineitem`, and statements that
are run in it afterwards. The CSV file has a header.
"""

import csv
import sqlite3
import sys

source, target, create, *statements = sys.argv[1:]
connection = sqlite3.connect(target)
# A file that was left half-made is made again, so nothing needs to survive.
connection.execute("PRAGMA journal_mode = OFF")
connection.execute("PRAGMA synchronous = OFF")
connection.execute(create)
with open(source, newline="", encoding="utf-8") as file:
    rows = csv.reader(file)
    values = ", ".join("?" for _ in next(rows))
    connection.executemany(f"INSERT INTO lineitem VALUES ({values})", rows)
for statement in statements:
    connection.execute(statement)
connection.commit()
connection.execute("ANALYZE")
connection.close()
