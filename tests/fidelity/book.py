"""Writes workbooks part by part, as no library would: with what stands in files that people have.

Cells are given as XML, so that a case shows what is in its file.
"""

import io
import zipfile
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

# The formats of cells, by their places in the part of styles.
PLAIN, DATE, MOMENT, TIME, DURATION, PERCENT, TEXT, YELLOW, MINUTES = range(9)

STYLES = f"""{HEAD}<styleSheet xmlns="{MAIN}">
<numFmts count="3"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>
<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/>
<numFmt numFmtId="166" formatCode="[h]:mm"/></numFmts>
<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>
<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>
<fill><patternFill patternType="solid"><fgColor rgb="FFFFFF00"/></patternFill></fill></fills>
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>
<cellXfs count="9">
<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>
<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
<xf numFmtId="21" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
<xf numFmtId="46" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
<xf numFmtId="9" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
<xf numFmtId="0" fontId="0" fillId="2" borderId="0" xfId="0" applyFill="1"/>
<xf numFmtId="166" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
</cellXfs></styleSheet>"""


def text(value, style=PLAIN):
    """A cell of a text that stands in the cell itself."""
    return f'<c {{r}} s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def number(value, style=PLAIN):
    """A cell of a number, which is written as it is given."""
    return f'<c {{r}} s="{style}"><v>{value}</v></c>'


def boolean(value):
    return f'<c {{r}} t="b"><v>{int(value)}</v></c>'


def error(code):
    return f'<c {{r}} t="e"><v>{code}</v></c>'


def shared(place):
    """A cell of a text of the table of strings."""
    return f'<c {{r}} t="s"><v>{place}</v></c>'


def formula(code, value, kind=None):
    """A cell of a formula, with the value that the program which saved it has left there."""
    kind = f' t="{kind}"' if kind else ""
    return f"<c {{r}}{kind}><f>{escape(code)}</f><v>{value}</v></c>"


def empty(style=YELLOW):
    """A cell that has a format and no value."""
    return f'<c {{r}} s="{style}"/>'


GAP = None


def letters(column):
    name = ""
    while column >= 0:
        name = chr(ord("A") + column % 26) + name
        column = column // 26 - 1
    return name


class Row:
    """A row with properties of its own, or at a place of its own."""

    def __init__(self, *cells, number=None, properties=""):
        self.cells, self.number, self.properties = cells, number, properties


def rows_xml(rows, references=True):
    parts, at = [], 0
    for row in rows:
        row = row if isinstance(row, Row) else Row(*row)
        at = row.number or at + 1
        cells = "".join(
            cell.replace("{r}", f'r="{letters(column)}{at}"' if references else "").replace("<c  ", "<c ")
            for column, cell in enumerate(row.cells)
            if cell is not GAP
        )
        reference = f' r="{at}"' if references else ""
        parts.append(f"<row{reference}{row.properties}>{cells}</row>")
    return "".join(parts)


def book(rows, *, behind="", before="", strings=(), system_1904=False, references=True, dimension=""):
    """Returns a workbook of one sheet. `before` and `behind` stand around the rows of the sheet."""
    dimension = f'<dimension ref="{dimension}"/>' if dimension else ""
    sheet = (
        f'{HEAD}<worksheet xmlns="{MAIN}">{dimension}{before}'
        f"<sheetData>{rows_xml(rows, references)}</sheetData>{behind}</worksheet>"
    )
    system = '<workbookPr date1904="1"/>' if system_1904 else "<workbookPr/>"
    workbook = (
        f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{system}'
        '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    inner = "".join(f"<si>{string}</si>" for string in strings)
    table = f'{HEAD}<sst xmlns="{MAIN}" count="{len(strings)}" uniqueCount="{len(strings)}">{inner}</sst>'
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = "".join(
        f'<Override PartName="/xl/{part}" ContentType="{types}.{kind}+xml"/>'
        for part, kind in [
            ("workbook.xml", "sheet.main"),
            ("worksheets/sheet1.xml", "worksheet"),
            ("styles.xml", "styles"),
            ("sharedStrings.xml", "sharedStrings"),
        ]
    )
    content_types = (
        f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )

    def relations(*all_of_them):
        inner = "".join(
            f'<Relationship Id="rId{at + 1}" Type="{OFFICE}/{kind}" Target="{target}"/>'
            for at, (kind, target) in enumerate(all_of_them)
        )
        return f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships">{inner}</Relationships>'

    return archive(
        {
            "[Content_Types].xml": content_types,
            "_rels/.rels": relations(("officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": workbook,
            "xl/_rels/workbook.xml.rels": relations(
                ("worksheet", "worksheets/sheet1.xml"),
                ("styles", "styles.xml"),
                ("sharedStrings", "sharedStrings.xml"),
            ),
            "xl/styles.xml": STYLES,
            "xl/sharedStrings.xml": table,
            "xl/worksheets/sheet1.xml": sheet,
        }
    )


def archive(parts, method=zipfile.ZIP_DEFLATED):
    """Returns a zip archive, the same bytes each time."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as file:
        for name, content in parts.items():
            file.writestr(zipfile.ZipInfo(name, (2024, 1, 31, 12, 0, 0)), content, method)
    return target.getvalue()


def parts_of(data):
    """Returns the parts of an archive, by their names."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name).decode() for name in file.namelist()}


def repacked(data, method):
    """Returns an archive packed in another way."""
    return archive(parts_of(data), method)
