"""Prints today's date, the version of Python and those of the packages that are named, as JSON."""

import datetime
import importlib.metadata
import json
import platform
import sys

json.dump(
    {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "packages": [importlib.metadata.version(name) for name in sys.argv[1:]],
    },
    sys.stdout,
)
