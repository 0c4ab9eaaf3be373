"""Reads one file with one reader as its users would, and prints the table as JSON.

Arguments: the reader, the file, options of the reader as JSON. What cannot be read ends it with the
reader's message. A process of its own for each, so that one that dies takes nobody along.
"""

import importlib.resources
import json
import sys
import warnings

import values

# A name that no property has.
GEOMETRY = "<geometry>"


def table(names, rows, crs=None):
    rows = [[values.tag(value) for value in row] for row in rows]
    return {"names": [str(name) for name in names], "rows": rows, "crs": crs}


def parquet(path, _options):
    """What Tundra wrote, read by PyArrow."""
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(path)
    data = file.read()
    metadata = file.schema_arrow.metadata or {}
    geo = json.loads(metadata.get(b"geo", b"{}"))
    plan = json.loads(metadata.get(b"tundra.plan", b"{}"))
    is_json = {it["name"] for it in plan.get("columns", []) if it["type"] == "JSON"}
    columns = []
    for field, column in zip(file.schema_arrow, data.columns):
        found = column.to_pylist()
        if field.name in is_json:
            found = [None if value is None else json.loads(value) for value in found]
        if field.name in geo.get("columns", {}):
            import shapely

            found = [None if value is None else shapely.from_wkb(value) for value in found]
        columns.append(found)
    names = [GEOMETRY if name == geo.get("primary_column") else name for name in data.column_names]
    crs = None
    if geo:
        column = geo["columns"][geo["primary_column"]]
        system = column.get("crs", {"id": {"authority": "OGC", "code": "CRS84"}})
        crs = system and f"{system['id']['authority']}:{system['id']['code']}"
    return table(names, zip(*columns), crs)


def duckdb_connection(extension):
    import duckdb

    folder = importlib.resources.files(f"duckdb_extension_{extension}")
    version = f"v{duckdb.__version__}"
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"LOAD '{folder / 'extensions' / version / extension}.duckdb_extension'")
    return connection


def duckdb_excel(path, options):
    given = "".join(f", {name} = {value!r}" for name, value in options.items())
    found = duckdb_connection("excel").sql(f"FROM read_xlsx('{path}'{given})")
    return table(found.columns, found.fetchall())


def duckdb_spatial(path, options):
    import shapely

    given = "".join(f", {name} = {value!r}" for name, value in options.items())
    connection = duckdb_connection("spatial")
    described = connection.sql(f"DESCRIBE FROM ST_Read('{path}'{given})").fetchall()
    is_geometry = [kind.startswith("GEOMETRY") for _, kind, *_ in described]
    crs = next((kind[10:-2] for _, kind, *_ in described if kind.startswith("GEOMETRY('")), None)
    quoted = ['"' + name.replace('"', '""') + '"' for name, *_ in described]
    wanted = ", ".join(f"ST_AsWKB({name})" if it else name for name, it in zip(quoted, is_geometry))
    found = connection.sql(f"SELECT {wanted} FROM ST_Read('{path}'{given})").fetchall()
    rows = [
        [
            shapely.from_wkb(bytes(value)) if it and value is not None else value
            for value, it in zip(row, is_geometry)
        ]
        for row in found
    ]
    names = [GEOMETRY if it else name for (name, *_), it in zip(described, is_geometry)]
    return table(names, rows, crs)


def polars_excel(path, options):
    import polars

    found = polars.read_excel(path, **options)
    return table(found.columns, found.rows())


def from_pandas(frame):
    """What pandas holds for a null is one, also in a column of objects."""
    import pandas

    rows = []
    for row in zip(*(frame.iloc[:, at].tolist() for at in range(frame.shape[1]))):
        rows.append([None if pandas.api.types.is_scalar(it) and pandas.isna(it) else it for it in row])
    names = [" ".join(name) if isinstance(name, tuple) else name for name in frame.columns]
    return names, rows


def pandas_excel(path, options):
    import pandas

    return table(*from_pandas(pandas.read_excel(path, **options)))


def geopandas_file(path, options):
    import geopandas
    import pandas

    frame = geopandas.read_file(path, **options)
    crs = None
    if isinstance(frame, geopandas.GeoDataFrame) and frame.crs is not None:
        crs = frame.crs.to_string()
    data = pandas.DataFrame(frame)
    if options.get("fid_as_index"):
        data = data.reset_index(names="fid")
    names, rows = from_pandas(data)
    at = data.columns.get_loc(frame.geometry.name) if crs else None
    return table([GEOMETRY if it == at else name for it, name in enumerate(names)], rows, crs)


READERS = {
    "parquet": parquet,
    "duckdb_excel": duckdb_excel,
    "duckdb_spatial": duckdb_spatial,
    "polars": polars_excel,
    "pandas": pandas_excel,
    "geopandas": geopandas_file,
}

if __name__ == "__main__":
    reader, path, options = sys.argv[1:]
    # What goes wrong is told by what was read; a warning that scrolls by mends nothing.
    warnings.simplefilter("ignore")
    try:
        found = READERS[reader](path, json.loads(options))
    except Exception as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        sys.exit(lines[0] if lines else type(error).__name__)
    json.dump(found, sys.stdout)
