"""The hazards of workbooks."""

import pathlib
import zipfile
from datetime import date, datetime, time, timedelta

from book import (
    DATE,
    DURATION,
    GAP,
    MINUTES,
    MOMENT,
    PERCENT,
    TEXT,
    TIME,
    Row,
    archive,
    book,
    boolean,
    empty,
    error,
    formula,
    number,
    parts_of,
    repacked,
    shared,
    text,
)
from cases import ANY, Case
from values import AnyOf

# Behind what any of the readers looks at before it decides on types.
FAR = 1_500

PROTECTED = "crates/tundra-core/tests/workbooks/encrypted.xlsx"


def header(*names):
    return [text(name) for name in names]


def kinds_of_values():
    names = ["code", "name"]
    yield Case(
        "leading_zeros",
        "Text of digits with leading zeros",
        book([header(*names), *([text(it, TEXT), text("x")] for it in ["00713", "01067", "99084"])]),
        names,
        [["00713", "x"], ["01067", "x"], ["99084", "x"]],
    )
    yield Case(
        "long_digits",
        "Text of more digits than a double holds",
        book([header(*names), *([text(it), text("x")] for it in ["9007199254740993", "9007199254740995"])]),
        names,
        [["9007199254740993", "x"], ["9007199254740995", "x"]],
    )
    yield Case(
        "long_numbers",
        "Numbers of which the file has more digits than a double holds",
        book([header("n", "name"), [number("9007199254740993"), text("x")], [number("2"), text("y")]]),
        ["n", "name"],
        [[9007199254740993, "x"], [2, "y"]],
        integers=True,
    )
    yield Case(
        "integers",
        "Integers, and a cell that is empty",
        book([header("n", "name"), [number(1), text("x")], [GAP, text("y")], [number("3"), text("z")]]),
        ["n", "name"],
        [[1, "x"], [None, "y"], [3, "z"]],
        integers=True,
    )
    yield Case(
        "doubles",
        "A number with all the digits of a double",
        book([header("n", "name"), [number("0.30000000000000004"), text("x")], [number("1E-7"), text("y")]]),
        ["n", "name"],
        [[0.30000000000000004, "x"], [1e-7, "y"]],
    )
    yield Case(
        "percentages",
        "Percentages",
        book(
            [
                header("share", "name"),
                [number("0.12", PERCENT), text("x")],
                [number("1.5", PERCENT), text("y")],
            ]
        ),
        ["share", "name"],
        [[0.12, "x"], [1.5, "y"]],
    )
    yield Case(
        "booleans",
        "True and false",
        book(
            [header("ok", "name"), [boolean(True), text("x")], [boolean(False), text("y")], [GAP, text("z")]]
        ),
        ["ok", "name"],
        [[True, "x"], [False, "y"], [None, "z"]],
    )
    yield Case(
        "booleans_and_numbers",
        "True and false among numbers",
        book(
            [
                header("v", "name"),
                [boolean(True), text("x")],
                [number(2), text("y")],
                [boolean(False), text("z")],
            ]
        ),
        ["v", "name"],
        [[True, "x"], [2, "y"], [False, "z"]],
        options={"duckdb": {"all_varchar": True}},
    )
    yield Case(
        "error_cells",
        "Cells that show errors, `#N/A` and `#DIV/0!`, among numbers",
        book(
            [
                header("v", "name"),
                [number(1), text("x")],
                [error("#N/A"), text("y")],
                [error("#DIV/0!"), text("z")],
            ]
        ),
        ["v", "name"],
        [[1, "x"], ["#N/A", "y"], ["#DIV/0!", "z"]],
        options={"pandas": {"keep_default_na": False}, "duckdb": {"all_varchar": True}},
    )
    yield Case(
        "words_for_nulls",
        "Texts such as `NA`, `None` and `nan` among names",
        book([header("name", "n"), *([text(it), number(1)] for it in ["Ann", "NA", "None", "nan"])]),
        ["name", "n"],
        [["Ann", 1], ["NA", 1], ["None", 1], ["nan", 1]],
        options={"pandas": {"keep_default_na": False}},
    )


def days_and_times():
    days = [date(2024, 1, 31), date(1999, 12, 31)]
    yield Case(
        "days_1900",
        "Days, counted from 1900",
        book([header("day", "name"), [number(45322, DATE), text("x")], [number(36525, DATE), text("y")]]),
        ["day", "name"],
        [[days[0], "x"], [days[1], "y"]],
    )
    yield Case(
        "days_1904",
        "Days, counted from 1904",
        book(
            [
                header("day", "name"),
                [number(45322 - 1462, DATE), text("x")],
                [number(36525 - 1462, DATE), text("y")],
            ],
            system_1904=True,
        ),
        ["day", "name"],
        [[days[0], "x"], [days[1], "y"]],
    )
    yield Case(
        "false_leap_day",
        "The days around 1900-02-29, which Excel has and the calendar has not",
        book([header("day", "name"), *([number(it, DATE), text("x")] for it in (59, 60, 61))]),
        ["day", "name"],
        [[date(1900, 2, 28), "x"], [AnyOf("1900-02-29", 60), "x"], [date(1900, 3, 1), "x"]],
        options={"duckdb": {"all_varchar": True}},
    )
    yield Case(
        "moments",
        "Days with times, to the millisecond",
        book(
            [
                header("at", "name"),
                [number("45322.520833333336", MOMENT), text("x")],
                [number("45322.00000001157", MOMENT), text("y")],
            ]
        ),
        ["at", "name"],
        [[datetime(2024, 1, 31, 12, 30), "x"], [datetime(2024, 1, 31, 0, 0, 0, 1000), "y"]],
    )
    yield Case(
        "times",
        "Times of day",
        book(
            [
                header("at", "name"),
                [number("0.5208333333333334", TIME), text("x")],
                [number("0", TIME), text("y")],
            ]
        ),
        ["at", "name"],
        [[time(12, 30), "x"], [time(0, 0), "y"]],
    )
    yield Case(
        "durations",
        "Durations of more than a day, `27:30:00`",
        book(
            [
                header("took", "name"),
                [number("1.1458333333333333", DURATION), text("x")],
                [number("0.5", DURATION), text("y")],
            ]
        ),
        ["took", "name"],
        [[timedelta(hours=27, minutes=30), "x"], [timedelta(hours=12), "y"]],
    )
    yield Case(
        "durations_in_minutes",
        "Durations of more than a day that are shown without seconds, `[h]:mm`",
        book(
            [
                header("took", "name"),
                [number("1.1458333333333333", MINUTES), text("x")],
                [number("0.5", MINUTES), text("y")],
            ]
        ),
        ["took", "name"],
        [[timedelta(hours=27, minutes=30), "x"], [timedelta(hours=12), "y"]],
    )
    yield Case(
        "days_and_text",
        "A word among days",
        book(
            [
                header("day", "name"),
                [number(45322, DATE), text("x")],
                [text("open"), text("y")],
                [number(36525, DATE), text("z")],
            ]
        ),
        ["day", "name"],
        [[days[0], "x"], ["open", "y"], [days[1], "z"]],
        options={"duckdb": {"all_varchar": True}},
    )
    yield Case(
        "distant_days",
        "Days of the years 1901 and 9999",
        book([header("day", "name"), [number(367, DATE), text("x")], [number(2958465, DATE), text("y")]]),
        ["day", "name"],
        [[date(1901, 1, 1), "x"], [date(9999, 12, 31), "y"]],
    )


def changes_far_below():
    def column(name, hazard, first, first_value, cell, value):
        rows = [[first, text("x")]] * FAR + [[cell, text("y")]]
        return Case(
            name,
            hazard,
            book([header("v", "name"), *rows]),
            ["v", "name"],
            [[first_value, "x"]] * FAR + [[value, "y"]],
            options={
                "duckdb": {"all_varchar": True},
                "polars": {"infer_schema_length": None},
            },
        )

    yield column("far_text", f"A text below {FAR:,} numbers", number(7), 7, text("7a"), "7a")
    yield column("far_code", f"A text `00713` below {FAR:,} numbers", number(7), 7, text("00713"), "00713")
    yield column("far_fraction", f"A fraction below {FAR:,} integers", number(7), 7.0, number("7.25"), 7.25)
    yield column("far_number", f"A number below {FAR:,} texts", text("a"), "a", number(7), 7)
    yield column(
        "far_day", f"A day below {FAR:,} empty cells", GAP, None, number(45322, DATE), date(2024, 1, 31)
    )
    yield column("far_boolean", f"A `TRUE` below {FAR:,} numbers", number(7), 7, boolean(True), True)


def ways_to_write_cells():
    yield Case(
        "formulas",
        "Formulas, with the values that the program has left there",
        book(
            [
                header("n", "t", "ok"),
                [formula("1+1", 2), formula('"a"&"b"', "ab", "str"), formula("1=1", 1, "b")],
                [formula("2+2", 4), formula('"c"', "c", "str"), formula("1=2", 0, "b")],
            ]
        ),
        ["n", "t", "ok"],
        [[2, "ab", True], [4, "c", False]],
    )
    yield Case(
        "shared_strings",
        "Text of the table of strings, with letters in several fonts and hints for reading that are no part of it",
        book(
            [[shared(0), shared(1)], [shared(2), number(1)], [shared(3), number(2)]],
            strings=[
                "<t>name</t>",
                "<t>n</t>",
                '<r><t>bold</t></r><r><rPr><b/></rPr><t xml:space="preserve"> and plain</t></r>',
                '<t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh><phoneticPr fontId="0"/>',
            ],
        ),
        ["name", "n"],
        [["bold and plain", 1], ["東京", 2]],
    )
    yield Case(
        "inline_strings",
        "Inline text with letters in several fonts",
        book(
            [
                header("name", "n"),
                [
                    '<c {r} t="inlineStr"><is><r><t>bold</t></r><r><t xml:space="preserve"> and plain</t></r></is></c>',
                    number(1),
                ],
                [text("plain"), number(2)],
            ]
        ),
        ["name", "n"],
        [["bold and plain", 1], ["plain", 2]],
    )
    yield Case(
        "escapes",
        "Blanks around a text, a line break in it, and `_x000D_`, which stands for a carriage return",
        book(
            [
                header("name", "n"),
                [text(" a "), number(1)],
                [text("b\nc"), number(2)],
                [text("d_x000D_e"), number(3)],
            ]
        ),
        ["name", "n"],
        [[" a ", 1], ["b\nc", 2], ["d\re", 3]],
    )
    yield Case(
        "no_references",
        "Rows and cells that do not say where they are",
        book([header("name", "n"), [text("x"), number(1)], [text("y"), number(2)]], references=False),
        ["name", "n"],
        [["x", 1], ["y", 2]],
    )
    yield Case(
        "false_dimension",
        "A dimension that says less than there is",
        book([header("name", "n"), [text("x"), number(1)], [text("y"), number(2)]], dimension="A1:A2"),
        ["name", "n"],
        [["x", 1], ["y", 2]],
    )
    yield Case(
        "empty_texts",
        "Formulas that show nothing, among numbers",
        book(
            [
                header("n", "name"),
                [number(1), text("x")],
                [formula('""', "", "str"), text("y")],
                [number(3), text("z")],
            ]
        ),
        ["n", "name"],
        [[1, "x"], [None, "y"], [3, "z"]],
    )


def ways_to_write_workbooks():
    plain = book([header("name", "day"), [text("x"), number(45322, DATE)], [text("y"), number(36525, DATE)]])
    names, rows = ["name", "day"], [["x", date(2024, 1, 31)], ["y", date(1999, 12, 31)]]
    sheet = "xl/worksheets/sheet1.xml"
    strict = {
        "http://schemas.openxmlformats.org/spreadsheetml/2006/main": "http://purl.oclc.org/ooxml/spreadsheetml/main",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships": "http://purl.oclc.org/ooxml/officeDocument/relationships",
    }

    def with_parts(change):
        return archive(dict(change(name, part) for name, part in parts_of(plain).items()))

    def strictly(name, part):
        for one, other in strict.items():
            part = part.replace(one, other)
        return name, part

    yield Case("strict", "A workbook saved as Strict Open XML", with_parts(strictly), names, rows)
    yield Case(
        "iso_days",
        "Days that are written as `2024-01-31`, as the standard allows it",
        with_parts(
            lambda name, part: (
                name,
                part.replace(' s="1"><v>45322<', ' s="1" t="d"><v>2024-01-31<').replace(
                    ' s="1"><v>36525<', ' s="1" t="d"><v>1999-12-31<'
                ),
            )
        ),
        names,
        rows,
    )
    yield Case(
        "marks",
        "Parts that begin with a byte-order mark",
        with_parts(lambda name, part: (name, "\ufeff" + part)),
        names,
        rows,
    )
    yield Case(
        "backslashes",
        "Parts whose names are written with backslashes",
        with_parts(lambda name, part: (name.replace("/", "\\") if name.startswith("xl") else name, part)),
        names,
        rows,
    )

    parts = parts_of(plain)
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(
        "<sheets>", '<sheets><sheet name="Cover" sheetId="9" r:id="rId9"/>'
    )
    parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace(
        "</Relationships>",
        '<Relationship Id="rId9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet9.xml"/></Relationships>',
    )
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(
        "</Types>",
        '<Override PartName="/xl/worksheets/sheet9.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    )
    parts["xl/worksheets/sheet9.xml"] = parts_of(book([]))[sheet]
    yield Case(
        "empty_first",
        "An empty sheet before that of the table",
        archive(parts),
        names,
        rows,
        options={
            "duckdb": {"sheet": "Sheet1"},
            "polars": {"sheet_name": "Sheet1"},
            "pandas": {"sheet_name": "Sheet1"},
        },
    )


def where_the_table_is():
    body = [[text("x"), number(1)], [text("y"), number(2)], [text("z"), number(3)]]
    names, rows = ["name", "n"], [["x", 1], ["y", 2], ["z", 3]]
    yield Case(
        "titles",
        "Titles and a blank row above the header",
        book([[text("Sales by region")], [text("as of 31 January")], [], header(*names), *body]),
        names,
        rows,
        options={
            "duckdb": {"range": "A4:B7"},
            "polars": {"read_options": {"header_row": 3}},
            "pandas": {"header": 3},
        },
    )
    yield Case(
        "further_right",
        "A table that begins at C3",
        book([Row(GAP, GAP, *header(*names), number=3), *([GAP, GAP, *row] for row in body)]),
        names,
        rows,
        options={"duckdb": {"range": "C3:D6"}, "pandas": {"usecols": "C:D", "header": 2}},
    )
    yield Case(
        "headers",
        "A header of two rows, with merged names of groups",
        book(
            [
                [text("region"), text("2023"), GAP, text("2024"), GAP],
                [GAP, text("sold"), text("left"), text("sold"), text("left")],
                [text("N"), number(1), number(2), number(3), number(4)],
                [text("S"), number(5), number(6), number(7), number(8)],
            ],
            behind='<mergeCells count="3"><mergeCell ref="A1:A2"/><mergeCell ref="B1:C1"/><mergeCell ref="D1:E1"/></mergeCells>',
        ),
        ["region", "2023 sold", "2023 left", "2024 sold", "2024 left"],
        [["N", 1, 2, 3, 4], ["S", 5, 6, 7, 8]],
        options={"tundra": ["--fill-merged"], "pandas": {"header": [0, 1]}},
    )
    yield Case(
        "merged",
        "Merged cells, whose value holds for all of their rows",
        book(
            [
                header("region", "name"),
                [text("N"), text("x")],
                [GAP, text("y")],
                [GAP, text("z")],
                [text("S"), text("w")],
            ],
            behind='<mergeCells count="1"><mergeCell ref="A2:A4"/></mergeCells>',
        ),
        ["region", "name"],
        [["N", "x"], ["N", "y"], ["N", "z"], ["S", "w"]],
        options={"tundra": ["--fill-merged"]},
    )
    yield Case(
        "blank_rows",
        "Blank rows among the records",
        book([header(*names), body[0], [], [], [], body[1], [], body[2]]),
        names,
        rows,
        options={"duckdb": {"stop_at_empty": False}},
    )
    yield Case(
        "absent_rows",
        "Blank rows among the records that the file leaves out",
        book([header(*names), body[0], Row(*body[1], number=7), Row(*body[2], number=40)]),
        names,
        rows,
        options={"duckdb": {"stop_at_empty": False}},
    )
    yield Case(
        "formatted_rows",
        "3,000 rows and 20 columns behind the table that have a format and no value",
        book(
            [
                header(*names) + [empty()] * 20,
                *(row + [empty()] * 20 for row in body),
                *([empty()] * 22 for _ in range(3_000)),
            ]
        ),
        names,
        rows,
    )
    yield Case(
        "hidden_rows",
        "Rows and columns that are hidden, and are data all the same",
        book(
            [[*header("name"), text("n")], body[0], Row(*body[1], properties=' hidden="1"'), body[2]],
            before='<cols><col min="2" max="2" width="9" hidden="1"/></cols>',
        ),
        names,
        rows,
    )
    yield Case(
        "names",
        "Names that stand twice, or differ in case only, or are missing",
        book([[*header("id", "id", "ID"), GAP], [number(1), number(2), number(3), number(4)]]),
        ["id", ANY, ANY, ANY],
        [[1, 2, 3, 4]],
    )


def damage():
    whole = book([header("name", "n"), *([text(f"x{it}"), number(it)] for it in range(2_000))])
    protected = pathlib.Path(PROTECTED).read_bytes()
    yield Case(
        "password", "A workbook that is protected by a password", protected, refused="password|encrypt"
    )
    yield Case(
        "cut_off",
        "A workbook of which the second half is missing",
        whole[: len(whole) // 2],
        refused="cut off|damaged|corrupt|truncat",
    )
    stored = repacked(whole, zipfile.ZIP_STORED)
    yield Case(
        "changed_byte",
        "A workbook in which one digit has changed, so that its checksum is wrong",
        stored.replace(b"<v>1234</v>", b"<v>7234</v>"),
        refused="checksum|crc|damaged|corrupt",
    )
    strings = ["<t>name</t>", "<t>n</t>", "<t>x</t>"]
    yield Case(
        "missing_string",
        "A cell whose text is not in the table of strings",
        book([[shared(0), shared(1)], [shared(2), number(1)], [shared(9), number(2)]], strings=strings),
        refused="string|index",
    )
    yield Case(
        "no_number",
        "A cell of a number that is none",
        book([header("name", "n"), [text("x"), number("1")], [text("y"), number("1,5")]]),
        refused="1,5",
    )


def cases():
    for group in (
        kinds_of_values,
        days_and_times,
        changes_far_below,
        ways_to_write_cells,
        ways_to_write_workbooks,
        where_the_table_is,
        damage,
    ):
        yield from group()
