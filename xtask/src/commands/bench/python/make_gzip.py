"""Compresses a file with gzip, as the program of that name does by default."""

import gzip
import shutil
import sys

source, target = sys.argv[1:]
with open(source, "rb") as plain, gzip.open(target, "wb", compresslevel=6) as compressed:
    shutil.copyfileobj(plain, compressed, 1 << 20)
