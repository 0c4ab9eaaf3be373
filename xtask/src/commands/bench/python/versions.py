"""Prints today's date and the versions of the peers, as JSON."""

import datetime
import json
import platform
import sys

import duckdb
import polars

json.dump(
    {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "polars": polars.__version__,
    },
    sys.stdout,
)
