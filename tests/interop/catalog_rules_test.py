#!/usr/bin/env python3
"""Meltano's own code as referee of our catalog rules: thousands of generated catalogs (odd ones too) with generated rules of select,
select_filter, metadata and schema go through both; the catalogs that come out must be equal, member by member and in the same order, and
what one refuses the other must refuse. Seeded: `catalog_rules_test.py SEED COUNT` tries others."""
import copy
import json
import logging
import os
import random
import subprocess
import sys

import venv

venv.rerun("meltano==4.2.2")

BIN = os.environ.get("SELVEDGE_BIN_DIR", os.path.join(venv.ROOT, "build", "dev", "bin"))

# --- what Meltano makes of it ---


def theirs(question):
    """SingerTap.apply_catalog_rules() without its files."""
    from meltano.core.plugin.singer import catalog as c
    from meltano.core.plugin.singer import tap
    c.logger = logging.getLogger("meltano")  # its own tells of every node
    catalog = copy.deepcopy(question["catalog"])
    rules = question["rules"]

    class Schemas(c.SchemaExecutor):
        """Properties that get their schema from one rule share its insides in Meltano, so that another rule for the inside of one
        changes the others too; each of ours has its own."""
        def set_payload(self, node, path, payload):
            super().set_payload(node, path, copy.deepcopy(payload))

    try:
        schema, metadata = [], []
        if not question["handwritten"]:
            schema = tap.config_schema_rules(rules["schema"])
            metadata = c.select_metadata_rules(["!*.*"]) + c.select_metadata_rules(rules["select"]) \
                + tap.config_metadata_rules(rules["metadata"])
        metadata += c.select_filter_metadata_rules(rules["select_filter"])
        if schema:
            Schemas(schema).visit(catalog)
        if metadata:
            c.MetadataExecutor(metadata).visit(catalog)
        found = c.ListSelectedExecutor()
        text = json.dumps(catalog)
    except Exception as error:  # what it raises ends its run
        return {"error": f"{type(error).__name__}: {error}"}
    try:
        found.visit(catalog)
        chosen = sorted({s.key for s in found.streams if s.selection})
    except Exception:  # Meltano asks this only to list streams
        chosen = None
    if any("more" in s or not isinstance(s.get("tap_stream_id"), str) for s in catalog["streams"]):
        chosen = None  # it takes what stands inside of a stream for one
    return {"catalog": text, "selected": chosen}


# --- questions ---

NAMES = ["id", "name", "a", "b", "updated_at", "a-b", "a.b", "größe", "x y", "type", "properties", "anyOf", "items", "schema", "", "a*", "[x"]
STREAMS = ["orders", "customers", "public-orders", "a.b", "ORDERS", "order_items", "ünits", "*"]
TYPES = [{"type": ["null", "string"]}, {"type": "integer", "maximum": 18446744073709551615}, {"type": "number", "multipleOf": 1e-38}, {},
         {"type": ["null", "string"], "format": "date-time"}, {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"z": {}}}]}]
INCLUSIONS = ["available", "automatic", "unsupported"]


def a_schema(r, depth=0):
    if depth < 3 and r.random() < 0.35:
        kind = {"type": ["null", "object"], "properties": {r.choice(NAMES): a_schema(r, depth + 1) for _ in range(r.randrange(4))}}
        return kind if r.random() < 0.7 else {"type": "array", "items": kind}
    return copy.deepcopy(r.choice(TYPES))


def some_metadata(r, properties):
    entries = []
    for crumbs in [[]] + [["properties", p] for p in properties] + [["properties", p, "properties", "a"] for p in properties[:2]]:
        if r.random() < 0.6:
            metadata = {}
            if r.random() < 0.7:
                metadata["inclusion"] = r.choice(INCLUSIONS)
            if r.random() < 0.3:
                metadata["selected"] = r.choice([True, False, None])
            if r.random() < 0.3:
                metadata["selected-by-default"] = r.choice([True, False])
            if r.random() < 0.2:
                metadata["replication-key"] = "id"
            entries.append({"breadcrumb": crumbs, "metadata": metadata})
    r.shuffle(entries)
    return entries


def spoil(r, stream):
    """What no tap should say, and some do."""
    entries = stream.get("metadata") if isinstance(stream.get("metadata"), list) else []
    what = r.randrange(14)
    if what == 0:
        del stream["tap_stream_id"]
    elif what == 1:
        stream["tap_stream_id"] = 7
    elif what == 2:
        stream["metadata"] = r.choice([None, {}, {"a": 1}, "text", 3])
    elif what == 3 and entries:
        r.choice(entries).pop("breadcrumb", None)
    elif what == 4 and entries:
        r.choice(entries).pop("metadata", None)
    elif what == 5 and entries:
        r.choice(entries)["metadata"] = r.choice([None, [], "x", 1])
    elif what == 6 and entries:
        r.choice(entries)["breadcrumb"] = r.choice([None, "ab", "größe", 1, {"properties": 1, "a": 2}, [1], ["properties", None]])
    elif what == 7:
        entries.insert(0, r.choice([None, "x", 1, [], {}]))
    elif what == 8:
        stream["schema"] = r.choice([None, [], "text", {"properties": None}, {"properties": []}, {"properties": "x"}, {}])
    elif what == 9:
        stream.pop("schema", None)
    elif what == 10:
        stream["schema"]["properties"]["nested"] = {"type": "object", "properties": {"deep": {"type": "object", "properties": {"er": {}}}}}
    elif what == 11:
        stream["more"] = {"streams": [{"tap_stream_id": "inner", "schema": {"properties": {"q": {}}}}, 3]}
    elif what == 12:
        stream["more"] = {"schema": {"properties": {"q": {"metadata": [{"breadcrumb": [], "metadata": {}}]}}}}
    elif what == 13 and isinstance(stream.get("schema"), dict):
        stream["schema"]["metadata"] = [{"breadcrumb": ["properties", "id"], "metadata": {"inclusion": "available"}}, {"other": 1}]


def a_catalog(r):
    streams = []
    for _ in range(r.randrange(5)):
        properties = r.sample(NAMES, r.randrange(6))
        stream = {"tap_stream_id": r.choice(STREAMS), "stream": r.choice(STREAMS),
                  "schema": {"type": "object", "properties": {p: a_schema(r) for p in properties}}}
        if r.random() < 0.85:
            stream["metadata"] = some_metadata(r, properties)
        if r.random() < 0.3:
            stream["selected"] = r.choice([True, False])
            stream["inclusion"] = r.choice(INCLUSIONS)
        if r.random() < 0.3:
            spoil(r, stream)
        items = list(stream.items())
        if r.random() < 0.3:
            r.shuffle(items)  # metadata may come before the schema
        streams.append(dict(items))
    catalog = {"streams": streams}
    if r.random() < 0.05:
        catalog = {"version": 1, "metadata": [{"breadcrumb": []}], **catalog}
    return catalog


def a_pattern(r, names):
    name = r.choice(names)
    if r.random() < 0.5:
        return name
    at = r.randrange(len(name) + 1)
    return r.choice(["*", name[:at] + "*", "*" + name[at:], name[:at] + "?" + name[at + 1:], "[a-o]*", "[!o]*", "["])


def a_rule(r):
    stream = a_pattern(r, STREAMS).replace(".", r.choice([".", "\\."]))
    parts = [a_pattern(r, NAMES) for _ in range(r.choice([0, 1, 1, 1, 2, 3]))]
    return r.choice(["", "", "", "!"]) + ".".join([stream, *parts])


def a_metadata(r):
    rules = {}
    for _ in range(r.randrange(4)):
        at = rules.setdefault(a_pattern(r, STREAMS), {})
        for _ in range(r.choice([0, 0, 1, 1, 2])):
            at = at.setdefault(a_pattern(r, NAMES), {})
            if not isinstance(at, dict):
                at = {}
        at[r.choice(["selected", "replication-method", "replication-key", "inclusion", "table-key-properties", "is-view"])] = \
            r.choice([True, False, "FULL_TABLE", ["id"], None, {}, {"x": 1}, 5])
    if r.random() < 0.03:
        rules["no_stream"] = True
    return rules


def a_schema_extra(r):
    rules = {}
    for _ in range(r.randrange(3)):
        payload = r.choice([{"type": "string"}, {"type": "object", "properties": {"k": {"type": "integer"}, "id": {}}}, {}, "", [], None, 3])
        rules.setdefault(a_pattern(r, STREAMS), {})[a_pattern(r, NAMES)] = copy.deepcopy(payload)
    if r.random() < 0.03:
        rules["orders"] = "text"
    return rules


def a_question(r):
    rules = {"select": [a_rule(r) for _ in range(r.randrange(5))], "metadata": a_metadata(r),
             "schema": a_schema_extra(r) if r.random() < 0.5 else {},
             "select_filter": [r.choice(["", "!"]) + a_pattern(r, STREAMS) for _ in range(r.choice([0, 0, 1, 2]))]}
    if r.random() < 0.02:
        rules["select"].append(r.choice([3, None, "", "!"]))
    return {"catalog": a_catalog(r), "rules": rules, "handwritten": r.random() < 0.15}


# --- both ---

def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
    r = random.Random(seed)
    questions = [a_question(r) for _ in range(count)]
    done = subprocess.run([os.path.join(BIN, "catalog_rules_peer")], input="".join(json.dumps(q) + "\n" for q in questions),
                          stdout=subprocess.PIPE, text=True, check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == count, (len(answers), count)
    different = refused = 0
    for question, answer in zip(questions, answers):
        ours = json.loads(answer)
        expected = theirs(question)
        refused += "error" in expected
        same = "error" in ours if "error" in expected else "catalog" in ours and json.dumps(ours["catalog"]) == expected["catalog"] and (
            expected["selected"] is None or sorted(set(ours["selected"])) == expected["selected"])
        if not same:
            different += 1
            if different <= 5:
                text = json.dumps(ours["catalog"]) if "catalog" in ours else json.dumps(ours)
                at = len(os.path.commonprefix([text, expected.get("catalog", "")]))
                print("DIFFERENT", json.dumps(question)[:3000], "\n  theirs", str(expected.get("catalog", expected))[max(at - 60, 0):at + 200],
                      "\n  ours  ", text[max(at - 60, 0):at + 200], "\n  selected", expected.get("selected"), ours.get("selected"))
    print(f"{count} catalogs with rules, seed {seed}: {different} different, {refused} refused by both")
    assert count // 100 < refused < count // 2, "the questions are too easy, or too hard"
    sys.exit(different != 0)


if __name__ == "__main__":
    main()
