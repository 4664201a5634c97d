#!/usr/bin/env python3
"""JSON and YAML samples in Markdown parse. samples.py [PROGRAM]: PROGRAM reads YAML as the product does (yaml_samples.c);
without it only JSON is checked. A sample with an ellipsis is a sketch and is not checked."""
import json
import os
import re
import subprocess
import sys
import tempfile

import tree

FENCE = re.compile(r"^```(json|jsonl|yaml)\b[^\n]*\n(.*?)^```\s*$", re.M | re.S)


def samples():
    for path in tree.files(".md"):
        text = tree.read(path)
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 2
            if "…" not in match.group(2) and "..." not in match.group(2):
                yield path, line, match.group(1), match.group(2)


def check_json(path, line, kind, text):
    for offset, part in enumerate(text.split("\n")) if kind == "jsonl" else [(0, text)]:
        try:
            if part.strip():
                json.loads(part)
        except ValueError as error:
            yield f"{path}:{line + offset}: {error}"


def check_yaml(program, found):
    with tempfile.TemporaryDirectory() as folder:
        names = {}
        for number, (path, line, text) in enumerate(found):
            file = os.path.join(folder, f"{number}.yaml")
            with open(file, "w", encoding="utf-8") as out:
                out.write(text)
            names[file] = f"{path} (sample at line {line})"
        if not names:
            return
        result = subprocess.run([program] + list(names), stdout=subprocess.PIPE, text=True, check=False)
        for line in result.stdout.splitlines():
            file = line.split(":")[0]
            yield names.get(file, "?") + line[len(file):]
        if result.returncode not in (0, 1):
            yield f"{program} ended with {result.returncode}"


def main():
    problems = []
    yaml = []
    for path, line, kind, text in samples():
        if kind == "yaml":
            yaml.append((path, line, text))
        else:
            problems.extend(check_json(path, line, kind, text))
    if len(sys.argv) > 1:
        problems.extend(check_yaml(sys.argv[1], yaml))
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main())
