"""Runs one command and prints what it took, as JSON: seconds of wall clock and of CPU, peak memory in
bytes, exit status, and what it printed.

The clock starts before the process is made and stops when it has ended. Peak memory is the kernel's
figure for that process; it cannot be less than this program's own, about 10 MB, because the new
process starts as a copy of it.
"""

import json
import os
import sys
import tempfile
import time

command = sys.argv[1:]
with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
    redirect = [
        (os.POSIX_SPAWN_DUP2, out.fileno(), 1),
        (os.POSIX_SPAWN_DUP2, err.fileno(), 2),
    ]
    start = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ, file_actions=redirect)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - start
    out.seek(0)
    err.seek(0)
    json.dump(
        {
            "wall": wall,
            "cpu": usage.ru_utime + usage.ru_stime,
            "memory": usage.ru_maxrss * 1024,
            "status": os.waitstatus_to_exitcode(status),
            "stdout": out.read().decode(errors="replace"),
            "stderr": err.read().decode(errors="replace"),
        },
        sys.stdout,
    )
