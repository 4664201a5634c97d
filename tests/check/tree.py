"""The project's own files, for the checks. Runs without git, so that it also works on an unpacked release."""
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = {".git", "build", "node_modules", "__pycache__", ".venv", "corpus"}


def files(*suffixes):
    """Paths relative to the root, sorted."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in SKIPPED]
        for name in names:
            if name.endswith(suffixes):
                found.append(os.path.relpath(os.path.join(folder, name), ROOT))
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


_TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_only(text):
    """C text with comments and literals blanked, lines kept."""
    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token[0] + token[0]
        return re.sub(r"[^\n]", " ", token)
    return _TOKEN.sub(blank, text)


def report(problems):
    """Prints each problem on a line and returns the exit code."""
    for problem in problems:
        print(problem)
    return 1 if problems else 0
