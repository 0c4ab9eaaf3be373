"""What Tundra and its peers make of files with hazards, and how that differs from what they should.

    python compare.py --tundra PROGRAM [--peers] [--only NAME]... [--keep FOLDER]

Makes the files of `workbooks.py` and `features.py`, has each read by each reader in a process of its own,
compares every name and every value with what should come out, and prints the outcomes as JSON, with the
tables of docs/FIDELITY.md among them. Without `--peers` only Tundra reads. `--keep` leaves the files, and
what Tundra made of them, in a folder.
"""

import sys

sys.dont_write_bytecode = True

import argparse
import concurrent.futures
import importlib.metadata
import json
import os
import pathlib
import re
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

import page
import read as readers
import values
from cases import ANY, GEOMETRY

# Longer than any of them takes for such a file.
SECONDS = 120

# Who reads what, by which reader of `read.py`; Tundra comes first.
SUBJECTS = {
    "workbooks": {"DuckDB": "duckdb_excel", "Polars": "polars", "pandas": "pandas"},
    "geojson": {"DuckDB": "duckdb_spatial", "GeoPandas": "geopandas"},
}
ENDINGS = {"workbooks": ".xlsx", "geojson": ".geojson"}
OPTIONS_OF = {"DuckDB": "duckdb", "Polars": "polars", "pandas": "pandas", "GeoPandas": "geopandas"}

# What the versions of a page are of.
PACKAGES = ["duckdb", "polars", "fastexcel", "pandas", "openpyxl", "geopandas", "pyogrio"]


def cases_of(subject):
    if subject == "workbooks":
        import workbooks

        return list(workbooks.cases())
    import features

    return list(features.cases())


def run(command):
    """Runs a program, and returns what it printed, or else why it failed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None, f"did not end in {SECONDS} seconds"
    if done.returncode == 0:
        return done.stdout, None
    if done.returncode < 0:
        return None, f"died of signal {-done.returncode}"
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return None, lines[-1] if lines else f"ended with {done.returncode}"


def read(reader, path, options):
    # Isolated, and with this folder as the only other place of modules.
    found, failure = run(
        [sys.executable, "-B", str(HERE / "read.py"), reader, str(path), json.dumps(options)]
    )
    return (json.loads(found), None) if failure is None else (None, failure)


def read_by_tundra(program, path, arguments):
    output = path.with_name(path.name + ".parquet")
    command = [program, "convert", str(path), "-o", str(output), "--overwrite", "--quiet", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None, f"did not end in {SECONDS} seconds"
    if done.returncode != 0:
        return None, " ".join(done.stderr.split()) or f"ended with {done.returncode}"
    # What Tundra wrote is read here: what ends this process ends the run, and should.
    return as_printed(readers.parquet(output, {})), None


def as_printed(table):
    return json.loads(json.dumps(table))


def judge(case, found, failure):
    """Returns an outcome: how it went in one word, and in a few."""
    if failure is not None:
        failure = short(failure)
        if case.refused is None:
            return "refused", f"refused: {failure}"
        if case.says_why(failure):
            return "kept", "refused, and says why"
        return "refused", f"refused, but says: {failure}"
    if case.refused is not None:
        return "wrong", f"read, {counted(len(found['rows']), 'row')}"
    return judge_table(case, found)


def judge_table(case, found):
    faults, rows, expected, wanted = [], found["rows"], case.rows, case.names
    if case.crs:
        # What a reader of places adds stands beside what is compared.
        places = case.places_of(found["names"])
        missing = [spoken(name) for name, place in zip(wanted, places) if place is None]
        if missing:
            faults.append("lost: " + listed("column", missing))
        kept = [at for at, place in enumerate(places) if place is not None]
        wanted = [wanted[at] for at in kept]
        expected = [[row[at] for at in kept] for row in expected]
        rows = [[row[places[at]] for at in kept] for row in rows]
        if found["crs"] not in case.crs:
            faults.append(f"wrong: the reference system is {found['crs'] or 'lost'}")
    else:
        faults += names_faults(wanted, found["names"])
    if len(rows) < len(expected):
        faults.insert(0, f"lost: {len(expected) - len(rows):,} of {counted(len(expected), 'row')}")
    elif len(rows) > len(expected):
        faults.insert(0, f"wrong: {counted(len(rows) - len(expected), 'row')} too many")
    elif case.crs or len(found["names"]) >= len(wanted):
        faults += cell_faults(wanted, expected, rows, case.integers)
    if not faults:
        return "kept", "kept"
    return ("text" if all(it.startswith("as ") for it in faults) else "wrong"), "; ".join(faults)


def spoken(name):
    """Returns a name as a page shows it."""
    name = name[0] if isinstance(name, tuple) else name
    return {GEOMETRY: "geometry", ANY: "without a name"}.get(name, name)


def names_faults(wanted, names):
    if len(names) != len(wanted):
        more = len(names) - len(wanted)
        if more > 0:
            return [f"wrong: {counted(more, 'column')} too many"]
        return [f"lost: {-more} of {counted(len(wanted), 'column')}"]
    differing = [str(name) for name, good in zip(names, wanted) if good is not ANY and name != good]
    return ["wrong: " + listed("name", differing)] if differing else []


def cell_faults(wanted, expected, rows, integers):
    lost = wrong = total = 0
    first, as_text, as_float = None, [], []
    for column, name in enumerate(wanted):
        cells = [(row[column], other[column]) for row, other in zip(expected, rows)]
        sorts = {
            values.sort(values.tag(value))
            for value, _ in cells
            if value is not None and not isinstance(value, values.AnyOf)
        }
        # Where several sorts stand in one column, only text holds them all.
        is_mixed = len(sorts) > 1 or any(isinstance(value, values.AnyOf) for value, _ in cells)
        outcomes = {values.SAME}
        for value, other in cells:
            outcome = values.compare(value, other)
            total += 1
            if outcome == values.OTHER:
                if other is None:
                    lost += 1
                else:
                    wrong += 1
                    first = first or (value, other)
            outcomes.add(outcome)
        if values.AS_TEXT in outcomes and not is_mixed:
            as_text.append(spoken(name))
        elif values.AS_FLOAT in outcomes and not is_mixed and integers:
            as_float.append(spoken(name))
    faults = []
    if lost:
        faults.append(f"lost: {lost:,} of {counted(total, 'value')} null")
    if wrong:
        value, other = (values.shown(it) for it in first)
        more = f", and {wrong - 1:,} more" if wrong > 1 else ""
        faults.append(f"wrong: `{other}` for `{value}`{more}")
    if as_text:
        faults.append("as text: " + ", ".join(f"`{name}`" for name in as_text))
    if as_float:
        faults.append("as floats: " + ", ".join(f"`{name}`" for name in as_float))
    return faults


def counted(number, what):
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def listed(what, names):
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    plural = "" if len(names) == 1 else "s"
    return f"{what}{plural} " + ", ".join(f"`{name}`" for name in names[:2]) + more


def short(message):
    """Returns the beginning of a message, without places that differ from run to run."""
    message = re.sub(r"['\"`]?/\S*/([^/\s'\"`]+)['\"`]?", r"`\1`", message)
    message = " ".join(message.replace("|", "/").split())
    return message if len(message) <= 90 else message[:89] + "…"


def outcome_of(case, who, reader, path, program):
    """Returns the outcome of a reader: without options, and with those that are made for the case where
    it is not what it should be."""
    given = case.options.get("tundra" if who == "Tundra" else OPTIONS_OF[who])

    def attempt(options):
        if who == "Tundra":
            found, failure = read_by_tundra(program, path, options or [])
        else:
            found, failure = read(reader, path, options or {})
        # The message of Tundra is looked at as a whole: it ends with what can be done.
        if failure is not None and case.refused is not None and case.says_why(failure):
            return "kept", "refused, and says why"
        return judge(case, found, failure)

    how, said = attempt(None)
    if how != "kept" and given is not None:
        with_options, _ = attempt(given)
        if with_options == "kept":
            return {"how": "option", "said": f"with `{spelled(given)}` kept; without, {said}"}
    return {"how": how, "said": said}


def spelled(options):
    if isinstance(options, list):
        return " ".join(options)
    return ", ".join(f"{name}={value!r}" for name, value in options.items())


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--tundra", required=True)
    arguments.add_argument("--peers", action="store_true")
    arguments.add_argument("--only", action="append", default=[])
    arguments.add_argument("--keep")
    arguments = arguments.parse_args()
    # The files that are taken from the repository are named from its root.
    os.chdir(HERE.parent.parent)
    with tempfile.TemporaryDirectory() as folder:
        report = {"subjects": {}, "versions": {}}
        for subject, peers in SUBJECTS.items():
            place = pathlib.Path(arguments.keep or folder)
            place.mkdir(parents=True, exist_ok=True)
            readers = {"Tundra": None, **(peers if arguments.peers else {})}
            report["subjects"][subject] = compare_all(subject, readers, place, arguments)
        if arguments.peers:
            report["versions"] = {name: importlib.metadata.version(name) for name in PACKAGES}
    report["tables"] = {name: page.table(cases) for name, cases in report["subjects"].items()}
    json.dump(report, sys.stdout, ensure_ascii=False)


def compare_all(subject, readers, place, arguments):
    chosen = [case for case in cases_of(subject) if not arguments.only or case.name in arguments.only]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        waiting = []
        for case in chosen:
            path = place / f"{case.name}{ENDINGS[subject]}"
            path.write_bytes(case.data)
            for who, reader in readers.items():
                task = pool.submit(outcome_of, case, who, reader, path, arguments.tundra)
                waiting.append((case, who, task))
        found = {case.name: {"name": case.name, "hazard": case.hazard, "outcomes": {}} for case in chosen}
        for case, who, task in waiting:
            found[case.name]["outcomes"][who] = task.result()
    return list(found.values())


if __name__ == "__main__":
    main()
