"""The hazards of GeoJSON."""

import json
from datetime import date, datetime, timezone

from cases import GEOMETRY, Case

# Longitude and latitude of WGS 84, by the names that readers have for it.
CRS84 = ("OGC:CRS84", "EPSG:4326")

POINT = {"type": "Point", "coordinates": [6.96, 50.94]}
OTHER = {"type": "Point", "coordinates": [-0.1276, 51.5072]}
LINE = {"type": "LineString", "coordinates": [[7.0, 51.0], [7.25, 51.5]]}
SQUARE = {"type": "Polygon", "coordinates": [[[6.0, 50.0], [8.0, 50.0], [8.0, 52.0], [6.0, 50.0]]]}

# Behind what any of the readers looks at before it decides on columns.
FAR = 3_000

# Readers call ids by other names than the standard does.
ID = ("id", "fid", "OGC_FID", "feature_id")
GDAL_ID = {"geopandas": {"fid_as_index": True}}


def feature(properties, geometry=POINT, **members):
    return {"type": "Feature", **members, "properties": properties, "geometry": geometry}


def collection(*features, **members):
    return {"type": "FeatureCollection", **members, "features": list(features)}


def text(value):
    return json.dumps(value, ensure_ascii=False).encode()


def case(name, hazard, data, names, rows, **more):
    """A case whose last column is the geometry, and which has a reference system."""
    data = data if isinstance(data, bytes) else text(data)
    rows = [[*row[:-1], shape(row[-1])] for row in rows]
    return Case(name, hazard, data, [*names, GEOMETRY], rows, **{"crs": CRS84, **more})


def shape(geometry):
    return None if geometry is None else {"geometry": geometry}


def properties():
    yield case(
        "late_property",
        f"A property that comes first in feature {FAR:,}",
        collection(*([feature({"n": 1})] * (FAR - 1)), feature({"n": 2, "late": "x"})),
        ["n", "late"],
        [[1, None, POINT]] * (FAR - 1) + [[2, "x", POINT]],
    )
    yield case(
        "late_type",
        f"A text among numbers, in feature {FAR:,}",
        collection(*([feature({"v": 7})] * (FAR - 1)), feature({"v": "7a"})),
        ["v"],
        [[7, POINT]] * (FAR - 1) + [["7a", POINT]],
    )
    yield case(
        "mixed",
        "Numbers, texts and booleans in one property",
        collection(*(feature({"v": it}) for it in (1, "1", True, 1.5))),
        ["v"],
        [[it, POINT] for it in (1, "1", True, 1.5)],
    )
    yield case(
        "codes",
        "Texts of digits with leading zeros",
        collection(feature({"code": "00713"}), feature({"code": "01067"})),
        ["code"],
        [["00713", POINT], ["01067", POINT]],
    )
    yield case(
        "big_integers",
        "Integers beyond 2^53",
        collection(feature({"n": 9007199254740993}), feature({"n": -9007199254740995})),
        ["n"],
        [[9007199254740993, POINT], [-9007199254740995, POINT]],
    )
    yield case(
        "bigger_integers",
        "Integers beyond 2^64",
        collection(feature({"n": 36893488147419103233}), feature({"n": 1})),
        ["n"],
        [[36893488147419103233, POINT], [1, POINT]],
    )
    yield case(
        "booleans",
        "True and false, and a null",
        collection(*(feature({"ok": it}) for it in (True, False, None))),
        ["ok"],
        [[True, POINT], [False, POINT], [None, POINT]],
    )
    yield case(
        "nested",
        "Objects and arrays in properties",
        collection(feature({"tags": ["a", "b"], "more": {"k": 1}}), feature({"tags": [], "more": None})),
        ["tags", "more"],
        [[["a", "b"], {"json": {"k": 1}}, POINT], [[], None, POINT]],
    )
    yield case(
        "zones",
        "Instants in two zones",
        collection(feature({"at": "2024-01-31T12:00:00+01:00"}), feature({"at": "2024-01-31T12:00:00Z"})),
        ["at"],
        [
            [datetime(2024, 1, 31, 11, tzinfo=timezone.utc), POINT],
            [datetime(2024, 1, 31, 12, tzinfo=timezone.utc), POINT],
        ],
    )
    yield case(
        "day_like",
        "Texts that look like days to some: `2024/01/31`, beside `2024-01-31`",
        collection(feature({"v": "2024-01-31"}), feature({"v": "2024/01/31"}), feature({"v": "n/a"})),
        ["v"],
        [["2024-01-31", POINT], ["2024/01/31", POINT], ["n/a", POINT]],
    )
    yield case(
        "days",
        "Days",
        collection(feature({"v": "2024-01-31"}), feature({"v": "1850-07-01"})),
        ["v"],
        [[date(2024, 1, 31), POINT], [date(1850, 7, 1), POINT]],
    )
    yield case(
        "names_in_two_cases",
        "Properties whose names differ in case only",
        collection(feature({"name": "a", "NAME": "b"})),
        ["name", ("NAME", "NAME_1")],
        [["a", "b", POINT]],
    )
    yield case(
        "property_geometry",
        "A property that is named `geometry`",
        collection(feature({"geometry": "by hand", "n": 1})),
        [("geometry", "geometry_1"), "n"],
        [["by hand", 1, POINT]],
    )
    yield case(
        "no_properties",
        "Features whose properties are null or missing",
        collection(feature({"n": 1}), feature(None), {"type": "Feature", "geometry": OTHER}),
        ["n"],
        [[1, POINT], [None, POINT], [None, OTHER]],
    )
    yield case(
        "duplicate_keys",
        "A property that stands twice in a feature",
        b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"n":1,"n":2},'
        b'"geometry":{"type":"Point","coordinates":[1,2]}}]}',
        [],
        [],
        refused="duplicate|twice",
    )


def members():
    yield case(
        "numeric_ids",
        "Ids that are numbers",
        collection(feature({"n": 1}, id=17), feature({"n": 2}, id=4)),
        [ID, "n"],
        [[17, 1, POINT], [4, 2, POINT]],
        options=GDAL_ID,
    )
    yield case(
        "text_ids",
        "Ids that are texts",
        collection(feature({"n": 1}, id="way/17"), feature({"n": 2}, id="0004")),
        [ID, "n"],
        [["way/17", 1, POINT], ["0004", 2, POINT]],
        options=GDAL_ID,
    )
    yield case(
        "mixed_ids",
        "Ids of which some are numbers and others texts",
        collection(feature({"n": 1}, id=17), feature({"n": 2}, id="17")),
        [ID, "n"],
        [[17, 1, POINT], ["17", 2, POINT]],
        options=GDAL_ID,
    )
    yield case(
        "id_and_property",
        "Ids beside a property that is named `id`",
        collection(feature({"id": "a"}, id=17), feature({"id": "b"}, id=4)),
        [ID[1:], "id"],
        [[17, "a", POINT], [4, "b", POINT]],
        options=GDAL_ID,
    )
    yield case(
        "foreign_members",
        "Members of features that the standard does not know",
        collection(feature({"n": 1}, title="x"), feature({"n": 2}, title="y"), name="made by hand"),
        ["n", "title"],
        [[1, "x", POINT], [2, "y", POINT]],
    )
    yield case(
        "legacy_crs",
        "A reference system as the GeoJSON of 2008 names it",
        collection(
            feature({"n": 1}, {"type": "Point", "coordinates": [356000.5, 5645000.25]}),
            crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}},
        ),
        ["n"],
        [[1, {"type": "Point", "coordinates": [356000.5, 5645000.25]}]],
        crs=("EPSG:25832",),
    )
    yield case(
        "crs_behind",
        "A reference system that is named behind the features",
        b'{"type":"FeatureCollection","features":'
        + text([feature({"n": 1}, {"type": "Point", "coordinates": [356000.5, 5645000.25]})] * FAR)
        + b',"crs":{"type":"name","properties":{"name":"EPSG:25832"}}}',
        ["n"],
        [[1, {"type": "Point", "coordinates": [356000.5, 5645000.25]}]] * FAR,
        crs=("EPSG:25832",),
    )


def geometries():
    inner = [POINT, LINE, SQUARE]
    empty = {"type": "Polygon", "coordinates": []}
    yield case(
        "null_geometries",
        "Features without a place",
        collection(feature({"n": 1}, None), feature({"n": 2}), feature({"n": 3}, None)),
        ["n"],
        [[1, None], [2, POINT], [3, None]],
    )
    yield case(
        "only_null_geometries",
        "Features of which none has a place",
        collection(feature({"n": 1}, None), feature({"n": 2}, None)),
        ["n"],
        [[1, None], [2, None]],
    )
    yield case(
        "empty_geometries",
        "Geometries with nothing in them",
        collection(
            feature({"n": 1}, empty), feature({"n": 2}, {"type": "GeometryCollection", "geometries": []})
        ),
        ["n"],
        [[1, empty], [2, {"type": "GeometryCollection", "coordinates": []}]],
    )
    yield case(
        "heights",
        "Heights, which some of the geometries have",
        collection(feature({"n": 1}, {"type": "Point", "coordinates": [1.0, 2.0, 3.5]}), feature({"n": 2})),
        ["n"],
        [[1, {"type": "Point", "coordinates": [1.0, 2.0, 3.5]}], [2, POINT]],
        # The same with heights.
        crs=(*CRS84, "EPSG:4979"),
    )
    yield case(
        "collections",
        "Collections of geometries, and other kinds beside them",
        collection(
            feature({"n": 1}, {"type": "GeometryCollection", "geometries": inner}),
            *(feature({"n": 2}, it) for it in inner),
        ),
        ["n"],
        [[1, {"type": "GeometryCollection", "geometries": inner}], *([2, it] for it in inner)],
    )
    yield case(
        "digits",
        "Coordinates with all the digits of a double",
        collection(
            feature({"n": 1}, {"type": "Point", "coordinates": [0.30000000000000004, 50.123456789012344]})
        ),
        ["n"],
        [[1, {"type": "Point", "coordinates": [0.30000000000000004, 50.123456789012344]}]],
    )
    yield case(
        "late_kind",
        f"Another kind of geometry, in feature {FAR:,}",
        collection(*([feature({"n": 1})] * (FAR - 1)), feature({"n": 2}, SQUARE)),
        ["n"],
        [[1, POINT]] * (FAR - 1) + [[2, SQUARE]],
    )
    yield case(
        "unclosed_ring",
        "A ring that does not end where it begins",
        collection(feature({"n": 1}, {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]})),
        [],
        [],
        refused="closed",
    )
    yield case(
        "short_line",
        "A line with one position",
        collection(feature({"n": 1}, {"type": "LineString", "coordinates": [[0, 0]]})),
        [],
        [],
        refused="position|point",
    )
    yield case(
        "text_coordinates",
        "Coordinates that are text",
        collection(feature({"n": 1}, {"type": "Point", "coordinates": ["6.96", "50.94"]})),
        [],
        [],
        refused="number|coordinate",
    )
    yield case(
        "four_numbers",
        "Positions of four numbers, of which nobody knows what the fourth is",
        collection(feature({"n": 1}, {"type": "Point", "coordinates": [1, 2, 3, 4]})),
        [],
        [],
        refused="position|coordinate|numbers",
    )


def documents():
    features = [feature({"n": 1}), feature({"n": 2}, OTHER)]
    names, rows = ["n"], [[1, POINT], [2, OTHER]]
    yield case("lines", "One feature a line", b"".join(text(it) + b"\n" for it in features), names, rows)
    yield case(
        "sequence",
        "A sequence by RFC 8142",
        b"".join(b"\x1e" + text(it) + b"\n" for it in features),
        names,
        rows,
    )
    yield case("one_feature", "One feature by itself", features[0], names, rows[:1])
    yield case("one_geometry", "One geometry by itself", SQUARE, [], [[SQUARE]])
    yield case("array", "An array of features, which the standard does not have", features, names, rows)
    yield case("mark", "A byte-order mark", b"\xef\xbb\xbf" + text(collection(*features)), names, rows)
    yield case(
        "utf16",
        "UTF-16",
        b"\xff\xfe" + text(collection(*features)).decode().encode("utf-16-le"),
        names,
        rows,
    )
    yield case(
        "features_first",
        "A collection whose type stands behind its features",
        {"features": features, "type": "FeatureCollection"},
        names,
        rows,
    )
    whole = text(collection(*(feature({"n": it}) for it in range(2_000))))
    yield case(
        "cut_off",
        "A file of which the second half is missing",
        whole[: len(whole) // 2],
        [],
        [],
        refused="ends|cut off|end of|eof|truncat|unterminated|incomplete",
    )
    lines = [text(feature({"n": it})) for it in range(20)]
    lines[10] = lines[10][:40]
    yield case(
        "broken_line",
        "A line among others that is cut off",
        b"\n".join(lines) + b"\n",
        [],
        [],
        refused="line 11|ends|cut off|record 11|offset|position|byte",
    )


def cases():
    for group in (properties, members, geometries, documents):
        yield from group()
