"""The tables of docs/FIDELITY.md that a run makes."""

# What counts as done well.
GOOD = ("kept", "option")


def table(cases):
    """Returns a table in Markdown: a row for each file, and a column for each reader."""
    if not cases:
        return ""
    who = list(cases[0]["outcomes"])
    rows = [["file", *who]]
    rows += [[case["hazard"], *(told(case["outcomes"][one]) for one in who)] for case in cases]
    rows.append(
        [f"**of {len(cases)} files kept, or refused with the reason**", *(total(cases, one) for one in who)]
    )
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines) + "\n"


def told(outcome):
    return outcome["said"].replace("|", "\\|")


def total(cases, who):
    hows = [case["outcomes"][who]["how"] for case in cases]
    plain, option = hows.count("kept"), hows.count("option")
    more = f", and {option} with an option" if option else ""
    return f"**{plain}{more}**"
