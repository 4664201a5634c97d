#!/usr/bin/env python3
"""Include rules (docs/decisions/0002-folders-and-layers.md): includes point down, agent and hub never meet, each
third-party header is included in one folder, components do not depend on each other in a circle."""
import re
import sys

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
GENERATED = re.compile(r"^[a-z_]+_(sql|migrations)\.h$")

# What a folder may include; the first match counts. Tests may include everything of ours.
LAYERS = [
    ("common/base/", ["common/base/"]),
    ("common/model/", ["common/base/", "common/model/"]),
    ("common/platform/", ["common/base/", "common/platform/"]),
    ("common/", ["common/"]),
    ("agent/", ["common/", "agent/"]),
    ("hub/", ["common/", "hub/"]),
    ("tests/", ["common/", "agent/", "hub/", "tests/"]),
]

# Header to the folder that includes it, one but for zlib. Limit programs, disk models and fakes in tests stand below our wrappers.
OWNERS = [
    (r"sqlite3\.h|sqlite3ext\.h", "common/db/"),
    (r"(cjson/)?cJSON\.h", "common/json/"),
    (r"yaml\.h", "common/yaml/"),
    (r"(mbedtls|psa)/.*", "common/tls/"),
    (r"mosquitto.*\.h", "common/mqtt/"),
    (r"zlib\.h", ("common/gzip/", "common/wire/")),  # streams; whole batches
    (r"modbus.*\.h", "agent/el/"),
    (r"libpq-fe\.h", "agent/el/"),
    (r"curl/.*\.h", "common/curl/"),
    (r"microhttpd\.h", "hub/http/"),
    (r"argon2\.h", "hub/accounts/"),
    (r"openssl/.*", None),
    (r"cmocka\.h", "tests/"),
    (r"sys/(epoll|timerfd|signalfd|eventfd)\.h|spawn\.h", "common/platform/"),
]
BELOW_WRAPPERS = ("tests/support/", "tests/power/", "tests/fuzz/", "tests/bench/", "tests/interop/", "tests/process/")


def allowed_for(path):
    for prefix, allowed in LAYERS:
        if path.startswith(prefix):
            return allowed
    return []


def check_own(path, name, allowed):
    if GENERATED.match(name):
        return None
    if "/" not in name and not path.startswith("tests/"):
        return f'"{name}" is not a path from the project root'
    if "/" in name and not any(name.startswith(prefix) for prefix in allowed):
        return f'"{name}" is not below or beside this folder'
    if not path.startswith("tests/") and name.startswith("tests/"):
        return f'"{name}" is a test'
    return None


def check_foreign(path, name):
    for pattern, owner in OWNERS:
        if re.fullmatch(pattern, name):
            if path.startswith(BELOW_WRAPPERS) or (owner and path.startswith(owner)):
                return None
            if owner == "common/platform/" and path.startswith("tests/"):
                return None
            return f"<{name}> is included only in {owner}" if owner else f"<{name}> is not used here"
    return None


def component(path):
    """The folder that a CMakeLists.txt builds: common/json, agent/el."""
    return "/".join(path.split("/")[:2])


def find_circle(edges):
    """One circle among the components, or None. Depth is bounded by the number of components."""
    done = set()
    for start in sorted(edges):
        stack = [(start, [start])]
        while stack:
            node, way = stack.pop()
            for next_node in sorted(edges.get(node, ())):
                if next_node in way:
                    return way[way.index(next_node):] + [next_node]
                if next_node not in done:
                    stack.append((next_node, way + [next_node]))
        done.add(start)
    return None


def main():
    problems = []
    edges = {}
    for path in tree.files(".c", ".h"):
        if path.startswith("boards/"):
            continue
        allowed = allowed_for(path)
        text = tree.read(path)
        for match in INCLUDE.finditer(text):
            name = match.group(2)
            line = text.count("\n", 0, match.start()) + 1
            if match.group(1) == '"':
                problem = check_own(path, name, allowed)
                if "/" in name and component(name) != component(path) and not path.startswith("tests/"):
                    edges.setdefault(component(path), set()).add(component(name))
            else:
                problem = check_foreign(path, name)
            if problem:
                problems.append(f"{path}:{line}: {problem}")
    circle = find_circle(edges)
    if circle:
        problems.append("components depend on each other in a circle: " + " -> ".join(circle))
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main())
