"""`selvedge-el target sqlite` and, where a server is installed, `target postgres`, with the messages and settings of the Singer SDK: versions, deletions,
metadata columns, flattening, load methods, numbers of any size. Each test runs for both; what a table holds is asked as text."""
import datetime
import json
import os
import random
import subprocess
import time

from el_databases import DATABASES, close, each
from el_step import EL, main, request, rows, run_ok

SEED = os.environ.get("SEED", "4")


def load(db, messages, code=0, **settings):
    with open("target.json", "w", encoding="utf8") as file:
        json.dump({k: v for k, v in {**db.settings, **settings}.items() if k != "path" or v}, file)
    text = "".join((m if isinstance(m, str) else json.dumps(m)) + "\n" for m in messages)
    done = subprocess.run([EL, "target", db.kind, "--config", "target.json"], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=60)
    assert done.returncode == code, (db.kind, done.returncode, done.stderr)
    return done


def schema(stream="s", key=("id",), **properties):
    properties = properties or {"v": {"type": ["null", "string"]}}
    return {"type": "SCHEMA", "stream": stream, "key_properties": list(key), "schema": {"properties": {"id": {"type": "integer"}, **properties}}}


def record(number, stream="s", version=None, time_extracted=None, **values):
    message = {"type": "RECORD", "stream": stream, "record": {"id": number, **values}}
    return {**message, **({"version": version} if version else {}), **({"time_extracted": time_extracted} if time_extracted else {})}


def activate(version, stream="s"):
    return {"type": "ACTIVATE_VERSION", "stream": stream, "version": version}


def state(**value):
    return {"type": "STATE", "value": value}


# --- versions ---

@each
def older_versions_are_deleted(db):
    load(db, [schema(), record(1, version=1), record(2, version=1), activate(1)], hard_delete=True)
    assert db.sql("SELECT id, _sdc_table_version FROM s ORDER BY id") == [["1", "1"], ["2", "1"]]
    assert "_sdc_deleted_at" not in db.columns("s")
    # At the start and at the end, as taps do; a row of the new version is in the old one too.
    done = load(db, [schema(), activate(1), record(2, version=2), record(3, version=2), activate(2), state(at=2)], hard_delete=True)
    assert db.sql("SELECT id, _sdc_table_version FROM s ORDER BY id") == [["2", "2"], ["3", "2"]]
    assert json.loads(done.stdout.splitlines()[-1]) == {"at": 2}
    # A table that is empty now.
    load(db, [schema(), activate(3)], hard_delete=True)
    assert db.sql("SELECT count(*) FROM s") == [["0"]]


@each
def older_versions_are_marked(db):
    load(db, [schema(), record(1, version=1), record(2, version=1), activate(1)])
    load(db, [schema(), record(2, version=2), activate(2)])
    assert db.sql("SELECT id, _sdc_deleted_at IS NULL AS there FROM s ORDER BY id") in ([["1", "0"], ["2", "1"]], [["1", "f"], ["2", "t"]])
    first = db.sql("SELECT _sdc_deleted_at FROM s WHERE id = 1")
    at = datetime.datetime.fromisoformat(first[0][0].replace("Z", "")).replace(tzinfo=datetime.timezone.utc)
    assert abs(at.timestamp() - time.time()) < 60, first
    load(db, [schema(), record(2, version=3), activate(3)])
    assert db.sql("SELECT _sdc_deleted_at FROM s WHERE id = 1") == first, "the time of the first deletion stays"


@each
def rows_from_before_there_were_versions_are_old(db):
    load(db, [schema(), record(1), record(2)])
    load(db, [schema(), record(2, version=7), activate(7)], hard_delete=True)
    assert db.sql("SELECT id FROM s") == [["2"]]


@each
def a_tap_whose_rows_have_no_version_keeps_them(db):
    done = load(db, [schema(), record(1), activate(7), record(2), activate(8)], hard_delete=True)
    assert db.sql("SELECT count(*) FROM s") == [["2"]]
    assert "rows_without_version" in done.stderr, done.stderr


@each
def versions_can_be_switched_off(db):
    for setting in ("process_activate_version_messages", "activate_version"):
        load(db, [schema(), record(1, version=1), record(2, version=2), activate(2)], hard_delete=True, **{setting: False})
        assert db.sql("SELECT count(*) FROM s") == [["2"]] and "_sdc_table_version" not in db.columns("s")


@each
def versions_across_slices_and_a_broken_load(db):
    """100 rows a slice. What broke off says nothing of the versions; the next load does, and finds the rows of both."""
    first = [schema(), *(record(i, version=1) for i in range(450)), activate(1), state(at=1)]
    load(db, first, hard_delete=True, batch_size_rows=100)
    half = [schema(), *(m for i in range(300) for m in (record(i + 1000, version=2), state(at=i + 10)))]
    load(db, [*half, "broken"], code=6, hard_delete=True, batch_size_rows=100)
    assert db.sql("SELECT count(*) FROM s WHERE _sdc_table_version = 1") == [["450"]]
    done = load(db, [schema(), *(record(i + 1000, version=2) for i in range(250)), *(record(i + 2000, version=2) for i in range(250)),
                     activate(2), *(record(i + 3000, version=2) for i in range(250)), state(at=99)], hard_delete=True, batch_size_rows=100)
    assert json.loads(done.stdout.splitlines()[-1]) == {"at": 99}
    found = dict(db.sql("SELECT id / 1000, count(*) FROM s GROUP BY 1"))
    assert found["2"] == "250" and found["3"] == "250" and "0" not in found, found


@each
def a_killed_load_is_all_or_nothing(db):
    """One transaction holds the rows of a version and the end of the one before: killed at any moment, the table is the old one or the new one."""
    count, rng = 3000, random.Random(f"{SEED} {db.kind}")
    load(db, [schema(), *(record(i, version=1) for i in range(count)), activate(1)], hard_delete=True)
    text = "".join(json.dumps(m) + "\n" for m in [schema(), *(record(i, version=2) for i in range(count // 2, count * 2)), activate(2), state(at=2)])
    for _ in range(6):
        process = subprocess.Popen([EL, "target", db.kind, "--config", "target.json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        process.stdin.write(text)
        process.stdin.close()
        time.sleep(rng.random() * 0.3)
        process.kill()
        claimed = process.stdout.read()
        process.wait()
        process.stdout.close()
        found = db.sql("SELECT count(*), min(_sdc_table_version), max(_sdc_table_version), min(id) FROM s")[0]
        assert found in ([str(count), "1", "1", "0"], [str(count * 3 // 2), "2", "2", str(count // 2)]), (SEED, db.kind, found)
        assert found[1] == "2" or claimed == "", (SEED, claimed)
    load(db, [json.loads(line) for line in text.splitlines()], hard_delete=True)
    assert db.sql("SELECT count(*), min(_sdc_table_version) FROM s") == [[str(count * 3 // 2), "2"]]


@each
def versions_of_several_streams(db):
    load(db, [schema("a"), schema("b"), record(1, "a", version=1), record(1, "b", version=5), record(2, "b")])
    load(db, [schema("a"), schema("b"), record(2, "a", version=2), record(3, "b", version=6), activate(2, "a"), activate(9, "nobody")], hard_delete=True)
    assert db.sql("SELECT id FROM a") == [["2"]] and db.sql("SELECT id FROM b ORDER BY 1") == [["1"], ["2"], ["3"]]


@each
def versions_where_rows_are_appended_and_overwritten(db):
    for _ in range(2):
        load(db, [schema(), record(1, version=1), record(1, version=2), activate(2)], hard_delete=True, load_method="append-only")
    assert db.sql("SELECT id, _sdc_table_version FROM s") == [["1", "2"], ["1", "2"]]
    load(db, [schema(), record(1, version=1), record(2, version=2), activate(2)], load_method="overwrite")
    assert db.sql("SELECT id, _sdc_table_version FROM s") == [["2", "2"]]


@each
def a_step_tells_how_many_rows_went(db):
    with open("in.singer", "w", encoding="utf8") as file:
        file.writelines(json.dumps(m) + "\n" for m in [schema(), record(1, version=1), record(2, version=2), activate(2)])
    result = run_ok(request({"type": "singer", "path": "in.singer"}, db.step_target(mode="upsert", hard_delete=True)))
    assert result.metadata["streams"]["s"]["rows_removed"] == 1, result.metadata
    assert db.sql("SELECT id FROM s") == [["2"]]
    # The file has not changed: what it activated is not done again.
    db.sql("INSERT INTO s (id, _sdc_table_version) VALUES (9, 0)" + (" RETURNING id" if db.kind == "postgres" else ""))
    with open("in.singer", "a", encoding="utf8") as file:
        file.write(json.dumps(record(3, version=2)) + "\n")
    run_ok(request({"type": "singer", "path": "in.singer"}, db.step_target(mode="upsert", hard_delete=True)))
    assert db.sql("SELECT id FROM s ORDER BY id") == [["2"], ["3"], ["9"]]


# --- deletions of LOG_BASED ---

LOG = {"v": {"type": ["null", "string"]}, "_sdc_deleted_at": {"type": ["null", "string"], "format": "date-time"}, "_sdc_lsn": {"type": ["null", "integer"]}}


@each
def rows_that_the_log_deleted_go(db):
    messages = [schema(**LOG), record(1, v="a", _sdc_lsn=10), record(2, v="b", _sdc_lsn=11), record(1, v="a", _sdc_lsn=12, _sdc_deleted_at="2026-01-02T03:04:05Z")]
    load(db, messages, hard_delete=True)
    assert db.sql("SELECT id, _sdc_lsn FROM s") == [["2", "11"]]
    load(db, messages)
    assert db.sql("SELECT id, _sdc_deleted_at IS NOT NULL FROM s ORDER BY id") in ([["1", "1"], ["2", "0"]], [["1", "t"], ["2", "f"]])
    load(db, [schema(**LOG), record(1, v="again", _sdc_lsn=13)], hard_delete=True)
    assert db.sql("SELECT id, v FROM s ORDER BY id") == [["1", "again"], ["2", "b"]], "it came back"


# --- metadata ---

@each
def metadata_columns(db):
    before = int(time.time() * 1000)
    load(db, [schema(), record(1, version=4, time_extracted="2026-01-02T03:04:05.678901+02:00"), record(2, time_extracted="2026-01-02T03:04:05Z"), record(3)],
         add_record_metadata=True)
    after = int(time.time() * 1000)
    types = db.columns("s")
    names = ["_sdc_extracted_at", "_sdc_received_at", "_sdc_batched_at", "_sdc_deleted_at", "_sdc_sequence", "_sdc_table_version", "_sdc_sync_started_at"]
    assert list(types) == ["id", "v", *names], types
    assert [types[name] for name in names[:4]] == ["timestamp without time zone"] * 4, types
    assert set(types[name] for name in names[4:]) == {"bigint" if db.kind == "postgres" else "INTEGER"}, types
    found = [row[0].replace("T", " ").rstrip("Z") for row in db.sql("SELECT _sdc_extracted_at FROM s ORDER BY id")]
    assert found == ["2026-01-02 01:04:05.678", "2026-01-02 03:04:05", "NULL"], found
    for row in db.sql("SELECT _sdc_received_at, _sdc_batched_at, _sdc_sequence, _sdc_sync_started_at FROM s"):
        assert before <= int(row[2]) <= after and before <= int(row[3]) <= int(row[2]), row
        for text in row[:2]:
            at = datetime.datetime.fromisoformat(text.replace("Z", "")).replace(tzinfo=datetime.timezone.utc).timestamp() * 1000
            assert before - 1 <= at <= after, (row, before)
    assert db.sql("SELECT _sdc_table_version, _sdc_deleted_at FROM s ORDER BY id") == [["4", "NULL"], ["NULL", "NULL"], ["NULL", "NULL"]]


@each
def metadata_that_the_tap_gives_itself(db):
    properties = {**LOG, "_sdc_sequence": {"type": "integer"}}
    load(db, [schema(**properties), record(1, _sdc_deleted_at="2026-01-02T03:04:05Z", _sdc_sequence=5, _sdc_lsn=3)], add_record_metadata=True)
    row = db.sql("SELECT _sdc_deleted_at, _sdc_sequence, _sdc_lsn FROM s")[0]
    assert row[0].startswith("2026-01-02") and int(row[1]) > 10**12 and row[2] == "3", row
    assert len(db.columns("s")) == 10, db.columns("s")


# --- settings ---

@each
def flattening(db):
    nested = {"address": {"type": ["null", "object"], "properties": {"city": {"type": "string"}, "geo": {"type": "object", "properties": {"lat": {"type": "number"}}}}},
              "tags": {"type": "array"}}
    messages = [schema(**nested), record(1, address={"city": "Köln", "geo": {"lat": 50.5}}, tags=["a"]), record(2, address=None)]
    load(db, messages, flattening_enabled=True, flattening_max_depth=1)
    assert db.sql("SELECT address__city, address__geo, tags FROM s ORDER BY id") == [["Köln", '{"lat": 50.5}', '["a"]'], ["NULL"] * 3]
    db.clear()
    load(db, messages, flattening_enabled=True, flattening_max_depth=5, flattening_separator="_")
    assert db.sql("SELECT address_city, address_geo_lat FROM s ORDER BY id") == [["Köln", "50.5"], ["NULL", "NULL"]]
    db.clear()
    load(db, messages)
    assert set(db.columns("s")) == {"id", "address", "tags"}
    done = load(db, messages, code=6, flattening_enabled=True)
    assert "flattening_max_depth" in done.stderr
    clash = [schema(**nested, address__city={"type": "string"})]
    done = load(db, clash, code=6, flattening_enabled=True, flattening_max_depth=3)
    assert '"address__city" occurs twice' in done.stderr, done.stderr


@each
def load_methods(db):
    messages = [schema(), record(1, v="a"), record(1, v="b")]
    load(db, messages, load_method="append-only")
    load(db, messages, load_method="append-only")
    assert db.sql("SELECT count(*) FROM s") == [["4"]]
    load(db, messages, load_method="overwrite")
    assert db.sql("SELECT id, v FROM s") == [["1", "b"]]
    load(db, [schema(), record(1, v="c"), record(2, v="d")], load_method="upsert")
    load(db, [schema("keyless", ()), record(1, "keyless"), record(1, "keyless")], load_method="upsert")
    assert db.sql("SELECT id, v FROM s ORDER BY id") == [["1", "c"], ["2", "d"]] and db.sql("SELECT count(*) FROM keyless") == [["2"]]


@each
def settings_of_others(db):
    done = load(db, [schema(), record(1)], use_copy=True, batch_config={"encoding": {}}, colour="blue", stream_maps=None)
    for word in ("use_copy", "COPY is always used", "batch_config", "colour", "nobody here knows it"):
        assert word in done.stderr, (word, done.stderr)
    done = load(db, [schema()], code=6, stream_maps={"s": {"v": None}})
    assert "stream_maps" in done.stderr and "meltano-map-transformer" in done.stderr, done.stderr
    done = load(db, [schema()], code=6, load_method="sideways")
    assert "append-only" in done.stderr, done.stderr
    done = load(db, [schema("t"), record(1, "t")], default_target_schema="other")
    if db.kind == "postgres":
        assert db.sql("SELECT count(*) FROM other.t") == [["1"]]
        load(db, [schema("n"), record(1, "n", v="a\0b")], sanitize_null_text_characters=True)
        assert db.sql("SELECT v FROM n") == [["a\ufffdb"]]
    else:
        assert "default_target_schema" in done.stderr
        load(db, [schema("p"), record(1, "p")], path=None, path_to_db="p.db")
        assert rows("p.db", "SELECT id FROM p") == [(1,)]
    about = json.loads(subprocess.run([EL, "target", db.kind, "--about", "--format", "json"], stdout=subprocess.PIPE, check=True).stdout)
    assert {"hard_delete", "add_record_metadata", "flattening_enabled", "process_activate_version_messages", "batch_size_rows"} <= set(about["settings"]["$defs"]["sqlite" if db.kind == "sqlite" else "postgres"]["properties"])
    assert "activate-version" in about["capabilities"] and any(s["name"] == "load_method" and s["as"] == "mode" for s in about["settings_of_others"])
    text = subprocess.run([EL, "target", db.kind, "--about"], stdout=subprocess.PIPE, check=True, text=True).stdout
    assert "| `default_target_schema` | `schema` |" in text and "refused: it is Python" in text, text


# --- values ---

@each
def numbers_of_any_size(db):
    number = {"n": {"type": ["null", "number"]}, "i": {"type": ["null", "integer"]}, "t": {"type": "string"}}
    exact = ["0.1", "1e300", "0.30000000000000004", "123456789012.345", "-0.0", "18446744073709551616", "9007199254740992", "5e-324"]
    lines = [json.dumps(schema(**number))]
    for i, n in enumerate(exact):
        lines.append(f'{{"type":"RECORD","stream":"s","record":{{"id":{i},"n":{n},"i":-9223372036854775808,"t":"123456789012345678901234567890.5"}}}}')
    load(db, lines)
    for row, n in zip(db.sql("SELECT n, t, i FROM s ORDER BY id"), exact, strict=True):
        assert float(row[0]) == float(n) and row[1] == "123456789012345678901234567890.5" and row[2] == str(-2**63), (row, n)
    beyond = ["9007199254740993", "123456789012345678901234567890.123456789", "3.14159265358979323846", "1e400"]
    for n in beyond:
        db.clear()
        line = f'{{"type":"RECORD","stream":"s","record":{{"id":100,"n":{n}}}}}'
        if db.kind == "postgres":
            load(db, [lines[0], line])
            assert db.sql(f"SELECT n = {n} FROM s WHERE id = 100") == [["t"]], n
        else:
            done = load(db, [lines[0], line], code=6)
            assert 'column "n"' in done.stderr and "without loss" in done.stderr and "string" in done.stderr, done.stderr
    done = load(db, [lines[0], '{"type":"RECORD","stream":"s","record":{"id":100,"i":9223372036854775808}}'], code=6)
    assert '"i"' in done.stderr and "9223372036854775808" in done.stderr, done.stderr
    # Where the source says so, integers are larger; where the table has text, it holds anything.
    large = schema("u", u={"type": "integer", "maximum": 18446744073709551615})
    line = '{"type":"RECORD","stream":"u","record":{"id":1,"u":18446744073709551615}}'
    if db.kind == "postgres":
        load(db, [large, line])
        assert db.sql("SELECT u FROM u") == [["18446744073709551615"]]
        db.sql("CREATE TABLE d (id int PRIMARY KEY, n double precision)")
        done = load(db, [schema("d", n={"type": "number"}), '{"type":"RECORD","stream":"d","record":{"id":1,"n":3.14159265358979323846}}'], code=6)
        assert "without loss" in done.stderr and "numeric" in done.stderr, done.stderr
    else:
        db.sql("CREATE TABLE u (id INTEGER PRIMARY KEY, u TEXT)")
        load(db, [large, line])
        assert db.sql("SELECT u, typeof(u) FROM u") == [["18446744073709551615", "text"]]


@each
def names_that_are_hard(db):
    names = ["select", "Order", "with space", 'quo"te', "semi;colon", "名前", "a.b", "-", "1st", "_", "x" * 60]
    properties = {name: {"type": "string"} for name in names}
    load(db, [schema("table", **properties), record(1, "table", **{name: name for name in names}), schema('dro"p', ()), record(1, 'dro"p')])
    assert list(db.columns("table"))[1:] == names
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    assert db.sql(f'SELECT {quoted} FROM "table"') == [names]
    assert db.sql('SELECT count(*) FROM "dro""p"') == [["1"]]
    done = load(db, [schema("c", Name={"type": "string"}, name={"type": "string"})], code=6)
    assert "differ only in case" in done.stderr and "rename" in done.stderr, done.stderr
    done = load(db, [schema("one"), schema("ONE")], code=6)
    assert "the same table" in done.stderr, done.stderr
    if db.kind == "postgres":
        done = load(db, [schema("long", **{"x" * 64: {"type": "string"}})], code=6)
        assert "63" in done.stderr, done.stderr


@each
def bytes_that_are_no_text(db):
    load(db, [schema(), '{"type":"RECORD","stream":"s","record":{"id":1,"v":"half \\ud800"}}'])
    assert db.sql("SELECT v FROM s") == [["half \ufffd"]], "an escape that is half a character"
    with open("target.json", "w", encoding="utf8") as file:
        json.dump(db.settings, file)
    raw = json.dumps(schema()).encode() + b'\n{"type":"RECORD","stream":"s","record":{"id":2,"v":"\xff"}}\n'
    done = subprocess.run([EL, "target", db.kind, "--config", "target.json"], input=raw, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 6 and b"UTF-8" in done.stderr and b":2" in done.stderr, done.stderr
    done = load(db, [schema(), '{"type":"RECORD","stream":"s","record":{"id":3,"v":"a","v":"b"}}'], code=6)
    assert '"v" occurs twice' in done.stderr, done.stderr
    nul = [schema(), record(4, v="a\0b")]
    if db.kind == "postgres":
        assert "NUL" in load(db, nul, code=6).stderr
    else:
        load(db, nul)
        assert db.sql("SELECT v FROM s WHERE id = 4") == [["a\0b"]]


@each
def lines_of_50_mib(db):
    """49 MiB in one value, some of it escaped; a longer line is refused by its number. How much memory that takes: docs/limits.md."""
    value = "x" * (48 << 20) + "\n" * (256 << 10)
    load(db, [schema(), record(1, v=value), record(2, v="small")])
    assert db.sql("SELECT id, length(v) FROM s ORDER BY id") == [["1", str(len(value))], ["2", "5"]]
    done = load(db, [schema(), record(1, v="y" * (50 << 20))], code=1)
    assert "line 2" in done.stderr and "longer than" in done.stderr and "smaller records" in done.stderr, done.stderr


try:
    main([older_versions_are_deleted, older_versions_are_marked, rows_from_before_there_were_versions_are_old, a_tap_whose_rows_have_no_version_keeps_them,
          versions_can_be_switched_off, versions_across_slices_and_a_broken_load, a_killed_load_is_all_or_nothing, versions_of_several_streams,
          versions_where_rows_are_appended_and_overwritten, a_step_tells_how_many_rows_went, rows_that_the_log_deleted_go, metadata_columns,
          metadata_that_the_tap_gives_itself, flattening, load_methods, settings_of_others, numbers_of_any_size, names_that_are_hard, bytes_that_are_no_text, lines_of_50_mib])
finally:
    close()
