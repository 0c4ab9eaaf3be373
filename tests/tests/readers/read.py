# Prints what pandas, Polars and ClickHouse make of files with a column `c`: for each file and reader the
# first value as text, or that it was refused.
import base64, datetime, decimal, json, sys, uuid, warnings
import pandas, polars

warnings.simplefilter("ignore")


def show(value):
    if isinstance(value, bytes):
        return "x" + value.hex()
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return str(value).lower()
    if isinstance(value, (datetime.date, datetime.time)):
        text = value.isoformat()
        head, point, rest = text.partition(".")
        zone = "+00:00" if rest.endswith("+00:00") else ""
        digits = rest.removesuffix("+00:00").rstrip("0")
        return head + (point + digits if digits else "") + zone
    if type(value).__name__ == "ndarray":
        return json.dumps([show(item) for item in value.tolist()])
    if isinstance(value, list):
        return json.dumps([show(item) for item in value])
    if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53:
        return str(int(value))
    return str(value)


def in_polars(path):
    column = polars.read_parquet(path)["c"]
    # Python has no nanoseconds and ends at the year 9999, and Polars knows both.
    if column.dtype == polars.Time:
        return column.dt.to_string("%H:%M:%S%.f")[0]
    if column.dtype == polars.Date:
        return column.dt.to_string()[0]
    return show(column[0])


def in_pandas(path):
    return show(pandas.read_parquet(path)["c"].iloc[0])


def in_clickhouse(path):
    import chdb

    source = f"file('{path}', Parquet)"
    kind = str(chdb.query(f"DESCRIBE {source}", "TSV")).split("\n")[0].split("\t")[1]
    # All columns, because of those that are not asked for it minds nothing.
    chdb.query(f"SELECT * FROM {source} LIMIT 1", "TSV")
    value = "hex(c)" if kind.startswith(("Nullable(FixedString", "FixedString")) else "toString(c)"
    found = chdb.query(f"SELECT base64Encode(assumeNotNull({value})) FROM {source} LIMIT 1", "TSV")
    text = base64.b64decode(str(found).strip())
    if value == "hex(c)":
        return "x" + text.decode().lower()
    if "DateTime64" in kind:
        head, point, digits = text.decode().replace(" ", "T").partition(".")
        digits = digits.rstrip("0")
        return head + (point + digits if digits else "") + "+00:00"
    try:
        return text.decode()
    except UnicodeDecodeError:
        return "x" + text.hex()


READERS = {"polars": in_polars, "pandas": in_pandas, "clickhouse": in_clickhouse}
answers = []
for reader, path in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    try:
        answers.append({"value": READERS[reader](path)})
    # A panic of Polars is no `Exception`.
    except BaseException as error:
        answers.append({"refused": f"{type(error).__name__}: {error}"[:300]})
print(json.dumps(answers))
