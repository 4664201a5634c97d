"""Schemas and records that are made up by a seed, flattened by us and by the Singer SDK's own functions.

Ours differs where the SDK loses or crashes; each such case is told apart here and counted:
- two ways to one name are an error in both for a schema; in a record the SDK keeps the last value, we refuse the record
- a property without "type" whose first alternative is neither string, array nor object is dropped by the SDK; we keep it"""
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import venv  # noqa: E402, ours, which stands before the library's

PACKAGES = ["singer-sdk[testing]==0.54.9"]
PEER = os.path.join(os.path.abspath(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin")), "flatten_peer")
SEED = int(os.environ.get("SEED", "4"))
ROUNDS = 3000 if "--long" in sys.argv else 150
# Non-ASCII letters that have no capitals in names: we leave them alone, Python would turn them.
NAMES = ["id", "a", "b", "a__b", "userName", "shipping_address", "X", "_", "__x", "名前", "with space", "a.b", "a-b", "SELECT", "x_y_z", ""]
SCALARS = ["string", "integer", "number", "boolean"]


def make_schema(rng, depth=0):
    kind = rng.random()
    if kind < 0.35 and depth < 5:
        schema = {"type": rng.choice(["object", ["null", "object"], ["object", "null"]])}
        if rng.random() < 0.85:
            schema["properties"] = make_properties(rng, depth + 1)
        return schema
    if kind < 0.45:
        return {"type": rng.choice(["array", ["null", "array"]]), "items": {"type": "string"}}
    if kind < 0.52:
        first = rng.choice(["string", "array", "object", "integer"])
        return {rng.choice(["anyOf", "oneOf"]): [{"type": first}, {"type": "null"}]}
    if kind < 0.57:
        return {}
    if kind < 0.62:
        return {"type": rng.choice([["string", "object"], ["array", "string"]])}
    return {"type": rng.choice([rng.choice(SCALARS), ["null", rng.choice(SCALARS)]])}


def make_properties(rng, depth):
    return {name: make_schema(rng, depth) for name in rng.sample(NAMES[:-1], rng.randint(1, 5))}


def make_value(rng, schema, depth=0):
    types = schema.get("type")
    types = [types] if isinstance(types, str) else list(types or ["string"])
    alternative = next((v for v in schema.values() if isinstance(v, list) and v and isinstance(v[0], dict)), None)
    if alternative:
        types = [alternative[0]["type"]]
    kind = rng.choice(types)
    if rng.random() < 0.1 and "null" in types:
        return None
    if kind == "object":
        record = {name: make_value(rng, inner, depth + 1) for name, inner in schema.get("properties", {}).items() if rng.random() < 0.85}
        if rng.random() < 0.2:
            record["unknown " + rng.choice("xy")] = rng.choice([1, {"z": 1}, [2]])
        return record
    if kind == "array":
        return [rng.choice(["x", 1, None, {"k": "ü\n"}]) for _ in range(rng.randint(0, 3))]
    return {"string": rng.choice(["", "text", "\u00e4\"\\\n", "7"]), "integer": rng.randint(-2**63, 2**63 - 1), "number": rng.choice([0.5, -3, 1e300]),
            "boolean": rng.random() < 0.5, "null": None}[kind]


def theirs(schema, records, options):
    from singer_sdk.helpers._flattening import flatten_record, flatten_schema
    depth, separator, limit = options
    schema = json.loads(json.dumps(schema))
    try:
        flat = flatten_schema(schema, depth, separator, max_key_length=limit)
    except ValueError as error:
        assert "Duplicate column name" in str(error), error
        return "error", []
    return flat["properties"], [flatten_record(json.loads(json.dumps(r)), flat, depth, separator, max_key_length=limit) for r in records]


def ours(schema, records, options):
    depth, separator, limit = options
    lines = [{"type": "SCHEMA", "stream": "s", "schema": schema}, *records]
    done = subprocess.run([PEER, str(depth), separator, str(limit)], input="".join(json.dumps(line) + "\n" for line in lines), stdout=subprocess.PIPE,
                          text=True, check=True, timeout=60)
    columns, *rows = [json.loads(line) for line in done.stdout.splitlines()]
    return columns, rows


def kind_of(property_schema):
    types = property_schema["type"]
    types = {types} if isinstance(types, str) else set(types)
    types.discard("null")
    if types <= {"object", "array"}:
        return "json"
    return types.pop() if len(types) == 1 else "string"


def is_nocase_clash(names):
    return len({name.lower() for name in names}) < len(names)


def same(theirs_value, our_value, column_kind):
    if isinstance(theirs_value, str) and isinstance(our_value, str) and theirs_value != our_value and column_kind == "string":
        return json.loads(theirs_value) == json.loads(our_value)  # JSON text, spaced otherwise
    if isinstance(theirs_value, str) and column_kind == "json":
        return json.loads(theirs_value) == our_value if theirs_value[:1] in "[{" else theirs_value == our_value
    if column_kind == "string" and not isinstance(theirs_value, str) and theirs_value is not None:
        return json.loads(our_value) == theirs_value
    return theirs_value == our_value


def check_round(rng, counts):
    options = (rng.randint(1, 5), rng.choice(["__", "__", "_", "."]), rng.choice([255, 255, 24, 12]))
    schema = {"type": "object", "properties": make_properties(rng, 0)}
    records = [make_value(rng, schema) for _ in range(5)]
    flat, flat_records = theirs(schema, records, options)
    columns, rows = ours(schema, records, options)
    where = (options, schema)
    if flat == "error":
        assert columns == "error", where
        counts["clashes"] += 1
        return
    if columns == "error":
        # A name that the SDK dropped may be the other one of a clash; names of one case only are our databases' rule.
        counts["ours refused"] += 1
        assert is_nocase_clash(flat) or "" in flat or any(len(v) == 1 and isinstance(next(iter(v.values())), list) for v in walk(schema)), where
        return
    kinds = dict(columns)
    dropped = [name for name in kinds if name not in flat]
    counts["dropped by the SDK"] += len(dropped)
    assert set(flat) <= set(kinds), (where, set(flat) ^ set(kinds))
    assert [name for name in kinds if name in flat] == list(flat), where
    assert all(kinds[name] == "integer" for name in dropped), (where, dropped)
    for name, inner in flat.items():
        assert kinds[name] == kind_of(inner), (where, name, inner, kinds[name])
    for record, flattened, row in zip(records, flat_records, rows, strict=True):
        if row == "error":
            counts["records refused"] += 1
            assert "__" in json.dumps(record) or options[1] == "_" or options[2] < 255 or "." in json.dumps(record), (where, record)
            continue
        counts["records"] += 1
        for name in flat:
            assert same(flattened.get(name), row[name], kinds[name]), (where, name, flattened.get(name), row[name])


def walk(schema):
    for inner in schema.get("properties", {}).values():
        yield inner
        yield from walk(inner)


def names_by_themselves(rng):
    """Abbreviation, on long names that schemas would not often reach."""
    from singer_sdk.helpers._flattening import flatten_key
    for _ in range(ROUNDS // 3):
        parts = ["".join(rng.choice(["ab", "C", "_", "x9", " ", "名"]) for _ in range(rng.randint(1, 8))) for _ in range(rng.randint(1, 4))]
        limit = rng.choice([255, 20, 10, 5])
        schema = inner = {"type": "object", "properties": {}}
        for part in parts:
            inner["properties"] = {part: {"type": "object", "properties": {}}}
            inner = inner["properties"][part]
        inner.clear()
        inner["type"] = "string"
        columns, _ = ours(schema, [], (8, "__", limit))
        assert columns == [[flatten_key(parts[-1], parts[:-1], "__", max_key_length=limit), "string"]], (parts, limit, columns)


def main():
    venv.rerun(*PACKAGES)
    if not os.path.exists(PEER):
        venv.skip(f"{PEER} is not there")
    counts = {"clashes": 0, "ours refused": 0, "dropped by the SDK": 0, "records refused": 0, "records": 0}
    for i in range(ROUNDS):
        check_round(random.Random(f"{SEED}/{i}"), counts)
    names_by_themselves(random.Random(SEED))
    print(f"ok: seed={SEED}, {ROUNDS} schemas:", counts)
    assert counts["records"] > ROUNDS, counts


if __name__ == "__main__":
    sys.exit(main())
