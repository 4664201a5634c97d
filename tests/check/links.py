#!/usr/bin/env python3
"""Relative links in Markdown lead to files and headings that exist, and the lists of pages name every page."""
import os
import re
import sys

import tree

FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.M | re.S)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s*(\S+)", re.M)
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.M)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def anchors(text):
    """Headings as GitHub names them."""
    found = {}
    names = set()
    for heading in HEADING.findall(FENCE.sub(blank, text)):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", heading.lower().replace("`", "")).replace(" ", "-")
        count = found.get(slug, 0)
        found[slug] = count + 1
        names.add(slug if count == 0 else f"{slug}-{count}")
    return names


def check(path):
    text = tree.read(path)
    plain = CODE.sub(blank, FENCE.sub(blank, text))
    for match in list(LINK.finditer(plain)) + list(REFERENCE.finditer(plain)):
        target = match.group(1).strip("<>")
        if re.match(r"[a-z]+:", target):
            continue
        line = plain.count("\n", 0, match.start()) + 1
        name, _, anchor = target.partition("#")
        file = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
        full = os.path.join(tree.ROOT, file)
        if file.startswith("..") or not os.path.exists(full):
            yield f"{path}:{line}: {target}: there is no such file"
        elif anchor and file.endswith(".md") and anchor not in anchors(tree.read(file)):
            yield f"{path}:{line}: {target}: there is no such heading"


def linked_from(path):
    links = (match.group(1).partition("#")[0] for match in LINK.finditer(tree.read(path)))
    return {os.path.normpath(os.path.join(os.path.dirname(path), link)) for link in links}


def unlisted(pages):
    """Each page for users is reached from its folder's README and from that of docs."""
    for page in pages:
        folder, name = os.path.split(page)
        if os.path.dirname(folder) != "docs" or folder == "docs/decisions" or name == "README.md":
            continue
        for index in ("docs/README.md", folder + "/README.md"):
            if index not in pages or page not in linked_from(index):
                yield f"{index}: {page} is not listed"


def main():
    pages = tree.files(".md")
    problems = list(unlisted(pages))
    for path in pages:
        problems.extend(check(path))
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main())
