"""Has schemathesis ask a service what its own document says that it may be asked.

Arguments: the address of the service, the id of a source that is a database, and for how many seconds to look;
none to look at the same requests each time.
"""

import json
import os
import random
import sys
import tempfile
import urllib.request

import schemathesis
from schemathesis.cli import schemathesis as command_line
from schemathesis.generation import GenerationMode

ADDRESS, DATABASE, SECONDS = sys.argv[1], sys.argv[2], sys.argv[3:]

LEFT_OUT = [
    # What a document says of a request is not all that must hold of it: that one of two fields is given, or that
    # a cursor is one that was answered.
    "positive_data_acceptance",
    # `DELETE /jobs/{id}` ends a job, which is there to be looked at afterwards.
    "use_after_free",
]


def ask(method, path, body, **headers):
    """Sends a request that must succeed and returns its answer."""
    if not isinstance(body, bytes):
        body = None if body is None else json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(ADDRESS + path, body, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def prepare():
    """Gives the service something to show, and returns what there is of each kind."""
    known = {"sources": [], "versions": [], "jobs": [], "numbers": ["1", "2", "current"]}
    for name in ("one", "two"):
        ticket = ask("POST", "/uploads", {"file_name": "a.csv", "name": name, "format": "csv"})
        source = ticket["source_id"]
        text = b"id,name,at\n1,Ann,2026-01-02\n2,,2026-01-03\n"
        ask("PUT", f"/uploads/{source}/a.csv", text, Content_Type="text/csv")
        for _ in range(2):
            ask("POST", "/convert/file", {"source_id": source})
        job = ask("POST", "/convert/file", {"source_id": source}, Prefer="respond-async")
        versions = ask("GET", f"/sources/{source}/versions", None)["versions"]
        known["sources"].append(source)
        known["jobs"].append(job["id"])
        known["versions"] += [version["id"] for version in versions]
    return known


KNOWN = prepare()
CHANCE = random.Random(0)


def known(kind):
    """Returns something of this kind that the service has, three times of four."""
    return CHANCE.choice(KNOWN[kind]) if CHANCE.random() < 0.75 else None


@schemathesis.hook
def before_call(context, case, kwargs):
    """Names what is there. Identifiers that are made up are those of nothing, and behind them is little to see.

    Requests that are broken on purpose go as they are.
    """
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    path, places = case.operation.path, case.path_parameters or {}
    of_path = {"id": path.split("/")[1], "source_id": "sources", "version": "numbers"}
    for name, kind in of_path.items():
        found = known(kind) if name in places else None
        if found is not None:
            places[name] = found
    body = case.body
    if path == "/admin/log" and isinstance(body, dict) and "levels" in body:
        # The log is looked through afterwards.
        body["levels"] = "warn"
    if isinstance(body, dict) and "source_id" in body and known("sources"):
        for other in ("source_url", "output_url", "connector_type"):
            body.pop(other, None)
        body["source_id"] = CHANCE.choice(KNOWN["sources"])
        if path == "/convert/database":
            body.pop("query", None)
            body.update(source_id=DATABASE, credentials_id="shop", table_name="t")


# What is printed is for whoever sees this fail.
os.dup2(2, 1)
options = ["--max-examples", "15", "--seed", "1", "--phases", "examples,coverage,fuzzing,stateful"]
if SECONDS:
    options = ["--max-time", SECONDS[0], "--max-examples", "100000"]
# It remembers what it found in the current folder, and would ask for that first the next time.
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    command_line(
        [
            "run",
            ADDRESS + "/openapi.json",
            *options,
            *("--checks", "all", "--exclude-checks", ",".join(LEFT_OUT)),
            *("--workers", "2", "--request-timeout", "60", "--continue-on-failure"),
            *("--generation-database", "none", "--no-color"),
        ]
    )
