"""Seeds as we read them against dbt's own agate_helper from PyPI: columns, types and values of thousands of random small CSVs, and of
cases that are known to be odd. SEED and COUNT change the run; a failing file is shown and kept. What we refuse on purpose must be refused."""
import json
import os
import random
import subprocess
import sys
import tempfile
import warnings

import peer_dbt
import venv
from dbt_seed_csv import ODD, csv_text

venv.rerun(*peer_dbt.EITHER)

import agate  # noqa: E402  (of that environment)
from dbt_common.clients import agate_helper  # noqa: E402

PEER = os.path.join(os.path.abspath(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin")), "dbt_seed_peer")
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
COUNT = int(os.environ.get("COUNT", 4000))


def cell(v):
    if isinstance(v, bool):
        return "true" if v else "false"
    return None if v is None else str(v)  # Decimal, date and datetime (isoformat with a space)


def table_of(path, declared):
    table = agate_helper.from_csv(path, declared, ",")
    columns = []
    for i, (name, kind) in enumerate(zip(table.column_names, table.column_types)):
        number = isinstance(kind, agate.Number)
        columns.append([name, type(kind).__name__, bool(number and table.aggregate(agate.MaxPrecision(i)))])
    return {"columns": columns, "rows": [[cell(v) for v in row] for row in table.rows]}


def theirs(path, declared):
    try:
        return table_of(path, declared)
    except Exception as e:  # pylint: disable=broad-except
        return {"error": f"{type(e).__name__}: {e}"}


# dbt fails on these with an error of its own, or they are not CSV: docs/reference/dbt.md, "Seeds".
def is_known(ours, expected):
    return "error" not in ours and any(w in expected.get("error", "") for w in ("Overflow", "strictly between"))


def cases():
    rng = random.Random(SEED)
    for odd in ODD:
        yield 'a,b\n"' + odd.replace('"', '""') + '",z\n', ()
    for text in ["a\n1\n\n2\n", "a,b\n1\n2,3\n", "a,b\n1,2,3\n", "a,b\n\n\n", "a,b\n", "a,,a,b\n1,2,3,4\n", "", "a", "\ufeffa\n1\n", "\n\na\n1\n",
                 'a\r\n"x\r\ny"\r\n', "a,b\n,\n,\n", 'a,b\n"",1\n', "a,b\n,x\n\n", "a,a,a_2,a\n1,2,3,4\n"]:
        yield text, ()
    yield "a\n005\nnull\n", ("a",)
    yield 'a,b\n005,5\n" x ",5\n', ("a", "other")
    for _ in range(COUNT):
        yield csv_text(rng), (rng.choice(["a", "id"]),) if rng.randrange(6) == 0 else ()


def ask(peer, path, declared):
    peer.stdin.write("\t".join([path, *declared]) + "\n")
    peer.stdin.flush()
    line = peer.stdout.readline()
    assert line, "the peer ended"
    return json.loads(line)


def refused(peer, folder):
    """Python's reader guesses at these; we say what is wrong and where."""
    for text, word in [(b'a\n"x"y\n', "line 2: text follows a closing quote"), (b'a\n"z\n', "line 2: a quoted field is never closed"),
                       (b"a\r1\r2", "line 1: a carriage return"), (b"a\nfoo\0bar\n", "line 2: a NUL byte"), (b"a\n1\n\xff\n", "line 3: not UTF-8")]:
        path = os.path.join(folder, "refused.csv")
        with open(path, "wb") as f:
            f.write(text)
        ours = ask(peer, path, ())
        assert word in ours.get("error", ""), (text, ours)


def main():
    warnings.simplefilter("ignore")
    print(f"SEED={SEED} COUNT={COUNT}")
    counts = {}
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen([PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                                   encoding="utf-8") as peer:
        refused(peer, folder)
        path = os.path.join(folder, "seed.csv")
        for text, declared in cases():
            with open(path, "w", encoding="utf-8", newline="") as f:
                f.write(text)
            expected = theirs(path, declared)
            ours = ask(peer, path, declared)
            same = "error" in ours if "error" in expected else ours == expected
            if not same and not is_known(ours, expected):
                print(f"differs: {text!r} declared {declared}\n  dbt:  {expected}\n  ours: {ours}")
                return 1
            for column in expected.get("columns", [["", "refused", False]]):
                counts[column[1]] = counts.get(column[1], 0) + 1
        peer.stdin.close()
        assert peer.wait() == 0
    print("columns compared:", counts)
    wanted = {"Integer", "Number", "Date", "DateTime", "ISODateTime", "Boolean", "Text", "refused"}
    assert wanted <= set(counts), wanted - set(counts)  # else the generator tests nothing
    return 0


if __name__ == "__main__":
    sys.exit(main())
