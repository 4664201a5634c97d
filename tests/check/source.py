#!/usr/bin/env python3
"""Rules for C files that no compiler has: banned functions, sizes, headers that say what they are, no names of
places that only one machine has."""
import re
import sys

import tree

BANNED = {
    "strcpy": "copy with buf or memcpy", "strcat": "append with buf", "sprintf": "use snprintf or buf_addf",
    "vsprintf": "use vsnprintf", "strtok": "use str_cut", "strtok_r": "use str_cut", "atoi": "use str_to_i64",
    "atol": "use str_to_i64", "atoll": "use str_to_i64", "atof": "use str_to_double", "strtol": "use str_to_i64",
    "strtoll": "use str_to_i64", "strtoul": "use str_to_i64", "strtoull": "use str_to_i64",
    "sscanf": "parse with str", "gets": "read with files", "alloca": "use an arena",
    "system": "use spawn", "popen": "use spawn", "fork": "use spawn", "gmtime": "use civil_from_seconds",
    "localtime": "use common/model/tz", "mktime": "use civil_to_seconds", "rand": "use rng", "srand": "use rng",
    "random": "use rng", "sleep": "arm a timer", "usleep": "arm a timer", "signal": "use loop_on_signal",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
GOTO = re.compile(r"\bgoto\b")
TYPEDEF = re.compile(r"\btypedef\s+(struct|enum|union)\b")
TODO = re.compile(r"\b(TODO|FIXME)\b")
FILE_LINES_MAX = 700


def check(path):
    text = tree.read(path)
    code = tree.code_only(text)
    for number, line in enumerate(code.split("\n"), 1):
        call = CALL.search(line)
        if call:
            yield f"{path}:{number}: {call.group(1)}() is banned: {BANNED[call.group(1)]}"
        if GOTO.search(line):
            yield f"{path}:{number}: goto is banned: return early, release with AUTO"
        if TYPEDEF.search(line):
            yield f"{path}:{number}: structs and enums have no typedef"
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if TODO.search(line) and not re.search(r"#\d+", line):
            yield f"{path}:{number}: a to-do needs the number of its issue"
    if len(lines) - 1 > FILE_LINES_MAX:
        yield f"{path}: {len(lines) - 1} lines; at most {FILE_LINES_MAX}"
    if path.endswith(".h"):
        if "#pragma once" not in text:
            yield f"{path}: no #pragma once"
        if not text.startswith("/*"):
            yield f"{path}: does not open with a comment on its purpose"


def main():
    problems = []
    for path in tree.files(".c", ".h"):
        problems.extend(check(path))
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main())
