"""Copies a file to an object, and prints its size in bytes."""

import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import store

source, target = sys.argv[1:]
with open(source, "rb") as file, store.open_store().open_output_stream(store.key(target)) as object:
    shutil.copyfileobj(file, object, 16 << 20)
print(os.path.getsize(source))
