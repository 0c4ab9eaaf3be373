"""Values in one form, whatever read them, and whether one is what another should have been.

A value is null, a boolean, a text, or an object with one name that says its sort: `int`, `float`, `decimal`,
`date`, `datetime`, `time`, `duration` (in microseconds), `bytes`, `geometry` or `json`.
"""

import datetime
import decimal
import json
import math

# What becomes of a value, from the best to the worst.
SAME, AS_FLOAT, AS_TEXT, OTHER = range(4)

DAY = 86_400_000_000


class AnyOf:
    """A value that may be read as any of several."""

    def __init__(self, *values):
        self.values = values


def tag(value):
    """Returns a value of Python in the one form."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if type(value).__module__ == "numpy":
        return tag(value.tolist())
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, decimal.Decimal):
        return {"decimal": str(value)}
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc)
        return {"datetime": value.isoformat()}
    if isinstance(value, datetime.date):
        return {"date": value.isoformat()}
    if isinstance(value, datetime.time):
        return {"time": value.isoformat()}
    if isinstance(value, datetime.timedelta):
        return {"duration": round(value / datetime.timedelta(microseconds=1))}
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": bytes(value).hex()}
    if hasattr(value, "geom_type"):
        return {"geometry": geometry(value)}
    if isinstance(value, dict) and list(value) in (["geometry"], ["json"]):
        return value
    if isinstance(value, (list, tuple, dict)):
        return {"json": plain(value)}
    return {type(value).__name__: str(value)}


def geometry(shape):
    """Returns a geometry of shapely as GeoJSON, one with nothing in it as its kind alone."""
    import shapely.geometry

    if shape.is_empty:
        return {"type": shape.geom_type, "coordinates": []}
    return plain(shapely.geometry.mapping(shape))


def plain(value):
    """Returns nested values as JSON has them; a member that is null is the same as none."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if type(value).__module__ == "numpy":
        return plain(value.tolist())
    if isinstance(value, (datetime.date, decimal.Decimal)):
        return str(value)
    return value


def sort(value):
    """Returns what sort of value it is."""
    if isinstance(value, dict):
        return next(iter(value))
    return {type(None): "null", bool: "bool", str: "text"}[type(value)]


def number(value):
    """Returns what a number stands for, exactly; nothing where it is none."""
    if sort(value) not in ("int", "float", "decimal"):
        return None
    text = next(iter(value.values()))
    return float(text) if text in ("nan", "inf", "-inf") else decimal.Decimal(text)


def compare(expected, found):
    """Says what has become of a value."""
    if isinstance(expected, AnyOf):
        return min(compare(one, found) for one in expected.values)
    expected = tag(expected)
    if expected == found:
        return SAME
    if found is None or expected is None:
        return OTHER
    if sort(found) == "text" and sort(expected) != "text":
        return AS_TEXT if denotes(found, expected) else OTHER
    kind = sort(expected)
    if kind in ("int", "float", "decimal"):
        wanted, got = number(expected), number(found)
        if wanted is None or got is None:
            return OTHER
        if kind == "float":
            return SAME if float(wanted) == float(got) else OTHER
        if wanted != got:
            return OTHER
        return AS_FLOAT if sort(found) == "float" else SAME
    if kind in ("date", "datetime"):
        return SAME if moment(expected) == moment(found) else OTHER
    if kind in ("time", "duration"):
        wanted, got = microseconds(expected), microseconds(found)
        return SAME if got is not None and abs(wanted - got) < 1_000 else OTHER
    if kind == "geometry":
        return SAME if same_geometry(expected["geometry"], found) else OTHER
    return OTHER


def moment(value):
    """Returns a day or an instant; a day is its midnight."""
    if sort(value) == "date":
        return datetime.datetime.fromisoformat(value["date"])
    if sort(value) == "datetime":
        return datetime.datetime.fromisoformat(value["datetime"])
    return None


def microseconds(value):
    """Returns how long a time of day or a duration is; a number counts days."""
    if sort(value) == "duration":
        return value["duration"]
    if sort(value) == "time":
        time = datetime.time.fromisoformat(value["time"])
        seconds = time.hour * 3600 + time.minute * 60 + time.second
        return seconds * 1_000_000 + time.microsecond
    days = number(value)
    return None if days is None or math.isnan(days) else float(days) * DAY


def denotes(text, expected):
    """Returns whether a text can only mean a value that is none."""
    kind = sort(expected)
    try:
        if kind in ("int", "float", "decimal"):
            return float(text) == float(number(expected)) and (
                kind == "float" or decimal.Decimal(text) == number(expected)
            )
        if kind == "bool":
            return text.lower() == str(expected).lower()
        if kind in ("date", "datetime"):
            return datetime.datetime.fromisoformat(text) == moment(expected)
        if kind == "time":
            return datetime.time.fromisoformat(text) == datetime.time.fromisoformat(expected["time"])
        if kind == "duration":
            hours, minutes, seconds = text.split(":")
            whole = (int(hours) * 60 + int(minutes)) * 60 + float(seconds)
            return round(whole * 1_000_000) == expected["duration"]
        if kind in ("json", "geometry"):
            return plain(json.loads(text)) == expected[kind]
    except (ValueError, decimal.InvalidOperation):
        pass
    return False


def same_geometry(expected, found):
    """Returns whether two geometries have the same kind and coordinates; one with nothing in it, the
    same kind."""
    if sort(found) != "geometry":
        return False
    found = found["geometry"]
    if expected["type"] != found["type"]:
        return False
    if expected["type"] == "GeometryCollection":
        inner, others = expected.get("geometries", []), found.get("geometries", [])
        return len(inner) == len(others) and all(
            same_geometry(one, {"geometry": other}) for one, other in zip(inner, others)
        )
    return expected["coordinates"] == found["coordinates"]


def shown(value):
    """Returns a value as a page shows it."""
    if isinstance(value, AnyOf):
        value = value.values[0]
    if not isinstance(value, (dict, str, bool)) and value is not None:
        value = tag(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
    elif sort(value) == "duration":
        text = str(datetime.timedelta(microseconds=value["duration"]))
    elif sort(value) in ("json", "geometry"):
        text = json.dumps(value[sort(value)], ensure_ascii=False)
    else:
        text = str(next(iter(value.values())))
    return text if len(text) <= 40 else text[:39] + "…"
