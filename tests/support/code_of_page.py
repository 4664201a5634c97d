"""Writes the code that a page shows to files, so that it is built as it stands there: code_of_page.py PAGE FOLDER FILE...

A block ```c NAME is a part of the file NAME, blocks without a name are the file declared.h. FILE... are the names that there must be."""
import os
import re
import sys

page, folder, *names = sys.argv[1:]
files = {}
with open(page, encoding="utf8") as text:
    for name, code in re.findall(r"^```c(?: (\S+))?\n(.*?)^```$", text.read(), re.M | re.S):
        files.setdefault(name or "declared.h", []).append(code)
assert sorted(files) == sorted(names), (sorted(files), names)
for name, parts in files.items():
    os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
    with open(os.path.join(folder, name), "w", encoding="utf8") as file:
        file.write("\n".join(parts))
