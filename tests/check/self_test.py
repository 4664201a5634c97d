#!/usr/bin/env python3
"""The checks themselves can fail: each is shown a small tree with one mistake in it."""
import contextlib
import io
import os
import sys
import tempfile

import includes
import limits
import links
import log_events
import samples
import source
import sql_scans
import tree

CLEAN = {
    "common/base/a.h": '/* a.h - a. */\n#pragma once\n#include <stdio.h>\n',
    "agent/run/a.c": '#include "common/base/a.h"\n#include "agent/run/a.h"\nint a; // strcpy(x) sleep(1)\n',
    "agent/run/a.h": '/* a.h - "goto" in a comment */\n#pragma once\nvoid a_signal(int n);\n',
    "common/base/limits.h": "/* limits.h */\n#pragma once\nenum {\n    LIMIT_A =\n        4 << 20, /* x */\n    LIMIT_B = 2000,\n};\n",
    "docs/limits.md": "| `LIMIT_A` | 4 MiB | a |\n| `LIMIT_B` | 2,000 | b |\n",
    "docs/a.md": "# One two\n[here](#one-two) [there](b.md#c) `[no](x)`\n```json\n{\"a\": 1}\n```\n",
    "hub/run/a.c": 'void f(void) { LOG(INFO, "a.b", F_I("n", 1)); LOG(WARN, x ? "a.b" : "a.c", F_I("n", 1)); }\n',
    "docs/README.md": "[all](reference/README.md) [one](reference/log-events.md)\n",
    "docs/reference/README.md": "[here](log-events.md)\n",
    "docs/reference/log-events.md": "| `a.b` | warn, info | x | |\n| `a.c` | warn | x | |\n",
    "docs/b.md": "# C\n```json\n{\"a\": …}\n```\n",
    "hub/store/CMakeLists.txt": "embed_migrations(x migrations/1.sql)\n",
    "hub/store/migrations/1.sql": "CREATE TABLE run (id INTEGER PRIMARY KEY, ended INTEGER);\n"
                                  "CREATE INDEX run_open ON run (id) WHERE ended IS NULL;\n",
    "hub/store/sql/a.sql": "SELECT id FROM run WHERE id = :id\n",
    "hub/store/sql/b.sql": "-- Reads all of run: a sum.\nSELECT sum(ended) FROM run\n",
    "hub/store/sql/c.sql": "SELECT id FROM run WHERE ended IS NULL\n",
}
MISTAKES = [
    (includes, "common/base/b.c", '#include "common/json/a.h"\n', "not below or beside"),
    (includes, "common/model/b.c", '#include "common/platform/a.h"\n', "not below or beside"),
    (includes, "agent/run/b.c", '#include "hub/run/a.h"\n', "not below or beside"),
    (includes, "hub/run/b.c", '#include "agent/run/a.h"\n', "not below or beside"),
    (includes, "agent/run/b.c", '#include "a.h"\n', "not a path"),
    (includes, "agent/run/b.c", '#include "tests/support/a.h"\n', "not below or beside"),
    (includes, "agent/run/b.c", "#include <sqlite3.h>\n", "only in common/db/"),
    (includes, "tests/unit/b.c", "#include <mbedtls/ssl.h>\n", "only in common/tls/"),
    (includes, "common/tls/b.c", "#include <openssl/ssl.h>\n", "not used here"),
    (includes, "agent/plan/b.c", '#include "agent/run/a.h"\n', None),
    (includes, "agent/run/b.c", '#include "agent/plan/a.h"\n', "circle: agent/plan -> agent/run -> agent/plan"),
    (source, "hub/b.c", "void f(void) { strcpy(a, b); }\n", "strcpy() is banned"),
    (source, "hub/b.c", "void f(void) { x = sleep (1); }\n", "sleep() is banned"),
    (source, "hub/b.c", "void f(void) { goto end; }\n", "goto is banned"),
    (source, "hub/b.c", "typedef struct x y;\n", "no typedef"),
    (source, "hub/b.c", "/* TODO: later */\n", "number of its issue"),
    (source, "hub/b.c", "\n" * 701, "701 lines"),
    (source, "hub/b.h", "/* b.h */\n", "no #pragma once"),
    (source, "hub/b.h", "#pragma once\n", "does not open"),
    (links, "docs/c.md", "[x](nowhere.md)\n", "no such file"),
    (links, "docs/c.md", "[x](a.md#three)\n", "no such heading"),
    (links, "docs/c.md", "[x](../../outside.md)\n", "no such file"),
    (links, "docs/reference/new.md", "# New\n", "docs/README.md: docs/reference/new.md is not listed"),
    (links, "docs/reference/README.md", "nothing\n", "docs/reference/README.md: docs/reference/log-events.md is not listed"),
    (links, "docs/how-to/new.md", "# New\n", "docs/how-to/README.md: docs/how-to/new.md is not listed"),
    (limits, "docs/limits.md", "| `LIMIT_A` | 4 MiB | a |\n", "LIMIT_B is missing"),
    (limits, "docs/limits.md", "| `LIMIT_A` | 5 MiB | a |\n| `LIMIT_B` | 2000 |\n", "LIMIT_A is 4194304, not 5 MiB"),
    (limits, "common/base/limits.h", "/* */\nenum { LIMIT_A = 4 << 20, LIMIT_B = 2000, LIMIT_C = f() };\n", "no plain number"),
    (log_events, "hub/run/b.c", 'void f(void) { LOG_EVENT(INFO, "d.e"); }\n', "d.e (info) is missing"),
    (log_events, "hub/run/b.c", 'void f(void) { LOG(DEBUG, "a.c", F_I("n", 1)); }\n', "a.c is logged as warn, debug"),
    (log_events, "hub/run/a.c", 'void f(void) { LOG_EVENT(WARN, "a.c"); }\n', "nothing logs a.b"),
    (sql_scans, "hub/store/sql/d.sql", "SELECT id FROM run WHERE ended = :ended\n", "hub/store/sql/d.sql: reads all of run"),
    (sql_scans, "hub/store/sql/a.sql", "-- Reads all of run: a sum.\nSELECT id FROM run WHERE id = :id\n", "and does not"),
    (sql_scans, "hub/store/sql/d.sql", "SELECT other FROM run\n", "no such column"),
    (samples, "docs/c.md", "```json\n{\"a\": }\n```\n", "docs/c.md:2"),
    (samples, "docs/c.md", "```jsonl\n{}\n{\n```\n", "docs/c.md:3"),
]


def run(check, files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
        tree.ROOT = root
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = check.main()
        return code, out.getvalue()


def main():
    sys.argv = sys.argv[:1]
    problems = []
    for check in (includes, source, limits, links, log_events, samples, sql_scans):
        code, out = run(check, CLEAN)
        if code not in (0, 77):
            problems.append(f"{check.__name__} refuses the clean tree: {out}")
    files = dict(CLEAN)
    for check, path, text, expected in MISTAKES:
        files = dict(files if expected and "circle" in expected else CLEAN)
        files[path] = text
        code, out = run(check, files)
        if code == 77:
            continue
        if expected is None and code != 0:
            problems.append(f"{check.__name__} refuses {text!r}: {out}")
        elif expected is not None and (code != 1 or expected not in out):
            problems.append(f"{check.__name__} does not find {text!r} in {path}: {out!r}")
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main())
