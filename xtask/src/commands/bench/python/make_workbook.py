"""Writes a workbook (xlsx) of 20 columns with a header: integers, numbers, texts that repeat and texts that
do not, dates and booleans.

Arguments: the file, the number of rows.
"""

import datetime
import random
import sys

import xlsxwriter

target, rows = sys.argv[1], int(sys.argv[2])
chance = random.Random(42)
workbook = xlsxwriter.Workbook(target, {"constant_memory": True})
sheet = workbook.add_worksheet("orders")
date = workbook.add_format({"num_format": "yyyy-mm-dd"})
moment = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
words = [f"word {number}" for number in range(500)]
begin = datetime.datetime(2020, 1, 1)
sheet.write_row(0, 0, [f"column_{number}" for number in range(20)])
for row in range(1, rows + 1):
    day = begin + datetime.timedelta(days=chance.randrange(2000), seconds=chance.randrange(86400))
    cells = [row, chance.randrange(10**6), chance.randrange(100), chance.randrange(10**9)]
    cells += [round(chance.random() * 1000, 2) for _ in range(6)]
    cells += [chance.choice(words) for _ in range(4)]
    cells += [f"{chance.getrandbits(64):016x}", f"{chance.randrange(10**5):05}"]
    for column, cell in enumerate(cells):
        if isinstance(cell, str):
            sheet.write_string(row, column, cell)
        else:
            sheet.write_number(row, column, cell)
    sheet.write_datetime(row, 16, day.replace(hour=0, minute=0, second=0), date)
    sheet.write_datetime(row, 17, day, moment)
    sheet.write_boolean(row, 18, chance.random() < 0.5)
    if chance.random() < 0.8:
        sheet.write_number(row, 19, chance.randrange(1000))
workbook.close()
