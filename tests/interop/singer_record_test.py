"""Records of Singer taps, read by us and by Python's json: what one takes the other takes, with the same values; what they differ in on
purpose is said here. Thousands of generated objects, one in three harmed. SEED in the environment replays a run."""
import json
import math
import os
import random
import re
import subprocess
import sys

PEER = os.path.join(os.environ.get("SELVEDGE_BIN_DIR", "build/dev/bin"), "record_peer")
RECORDS = 400000 if os.environ.get("SELVEDGE_LONG") else 20000
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
rng = random.Random(SEED)
NAMES = ["i", "r", "b", "t", "j", "a"]
DEPTH_MAX = 16  # LIMIT_JSON_DEPTH, the object included
NUMBER_BYTES_MAX = 63  # json_raw_double
EXACT = 1 << 53


# --- objects as text ---

def digits(count):
    return "".join(rng.choice("0123456789") for _ in range(count))


def number():
    kind = rng.randrange(8)
    if kind == 0:
        return str(rng.choice([0, -1, 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**25]) + rng.randrange(-1, 2))
    if kind == 1:
        return "-" * rng.randrange(2) + "0"
    sign, whole = "-" * rng.randrange(2), str(rng.randrange(10 ** rng.randrange(1, 22)))
    fraction = "." + digits(rng.choice([1, 2, 3, 17, 25, 60])) if rng.random() < 0.6 else ""
    exponent = rng.choice("eE") + rng.choice(["", "+", "-"]) + digits(rng.choice([1, 2, 3])) if rng.random() < 0.3 else ""
    return sign + whole + fraction + exponent


def character():
    kind = rng.randrange(10)
    if kind < 4:
        return rng.choice("abc xyz/{}[]:,0")
    if kind == 4:
        return chr(rng.choice([0xe4, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0xffff, 0x10000, 0x1f600, 0x10ffff]))
    if kind == 5:
        return "\\" + rng.choice('"\\/bfnrt')
    if kind < 8:
        return "\\u%04x" % rng.choice([0, 1, 0x22, 0x41, 0xe4, 0x7ff, 0xffff, 0xd7ff, 0xe000])
    if kind == 8:
        return "\\u%04X\\u%04x" % (rng.randrange(0xd800, 0xdc00), rng.randrange(0xdc00, 0xe000))
    return "\\u%04x" % rng.randrange(0xd800, 0xe000)


def string():
    return '"' + "".join(character() for _ in range(rng.choice([0, 1, 3, 8, 20]))) + '"'


def space():
    return rng.choice(["", "", "", " ", "\t", "\r", "  "])


def value(depth):
    kind = rng.randrange(9 if depth > 0 else 7)
    if kind < 3:
        return number()
    if kind < 5:
        return string()
    if kind < 7:
        return rng.choice(["null", "true", "false"])
    items = [value(depth - 1) for _ in range(rng.randrange(4))]
    if kind == 7:
        return "[" + (space() + "," + space()).join(items) + "]"
    return "{" + ("," + space()).join(f"{string()}{space()}:{space()}{item}" for item in items) + "}"


def deep():
    levels = rng.choice([DEPTH_MAX - 2, DEPTH_MAX - 1, DEPTH_MAX, DEPTH_MAX + 1, 200])
    return "[" * levels + "1" * rng.randrange(2) + "]" * levels


def fitting(name):
    if rng.random() < 0.25:
        return deep() if rng.random() < 0.1 else value(3)
    return {"i": number, "r": number, "b": lambda: rng.choice(["true", "false"]), "t": string}.get(name, lambda: value(3))()


def record():
    names = rng.sample(NAMES, rng.randrange(len(NAMES) + 1))
    names += rng.choices(["more", "\\u0061", "I", rng.choice(NAMES)], k=1) if rng.random() < 0.1 else []
    members = [f'{space()}"{name}"{space()}:{space()}{fitting(name)}{space()}' for name in names]
    return space() + "{" + ",".join(members) + "}" + space()


def harmed(text):
    raw = bytearray(text)
    for _ in range(rng.choice([1, 1, 2, 5])):
        at = rng.randrange(len(raw) + 1)
        if rng.random() < 0.4:
            raw[at:at + 1] = bytes([rng.choice(b'\x00\x01\x1f"\\{}[]:,.-+eE0129truefalsn \x7f\x80\xbf\xc0\xc3\xe0\xed\xa0\xf0\xf4\xf5\xff')])
        elif rng.random() < 0.5:
            del raw[at:at + rng.randrange(1, 4)]
        else:
            raw[at:at] = raw[at:at + 3]
    return bytes(raw).replace(b"\n", b" ")


# --- the judge ---

class Refused(Exception):
    pass


class Number(str):
    """As it stands in the text."""


def constant(name):
    raise Refused(f"{name} is no JSON")


def depth_of(raw):
    level = deepest = 0
    for token in re.finditer(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', raw, re.S):
        level += (token[0] in (b"[", b"{")) - (token[0] in (b"]", b"}"))
        deepest = max(deepest, level)
    return deepest


def is_integer(text):
    return isinstance(text, Number) and not set(text) & set(".eE")


def real(text):
    if len(text) > NUMBER_BYTES_MAX or not math.isfinite(float(text)):
        raise Refused("no double holds it")
    return float(text)


def as_integer(v):
    if is_integer(v):
        if not -(2**63) <= int(v) < 2**63:
            raise Refused("beyond 64 bits")
        return int(v)
    if not isinstance(v, Number) or abs(real(v)) > EXACT or real(v) != math.floor(real(v)):
        raise Refused("no integer")
    return int(real(v))


def as_real(v):
    if not isinstance(v, Number):
        raise Refused("no number")
    if is_integer(v) and EXACT < abs(int(v)) and -(2**63) <= int(v) < 2**63:
        return int(v)  # a double would round it
    return real(v)


def as_boolean(v):
    if not isinstance(v, bool):
        raise Refused("no boolean")
    return int(v)


def as_any(v):
    if isinstance(v, Number):
        return int(v) if is_integer(v) and -(2**63) <= int(v) < 2**63 else real(v)
    return int(v) if isinstance(v, bool) else v


READERS = {"i": as_integer, "r": as_real, "b": as_boolean, "t": lambda v: v, "j": lambda v: v, "a": as_any}


def judge(line):
    """The values that are expected, by column; Refused."""
    try:
        text = line.decode("utf8")
        pairs = json.loads(text, parse_int=Number, parse_float=Number, parse_constant=constant, object_pairs_hook=lambda p: p)
    except (ValueError, RecursionError) as problem:
        raise Refused(str(problem)) from None
    if not text.strip().startswith("{"):
        raise Refused("no object")
    if depth_of(line) > DEPTH_MAX:
        raise Refused("nested too deeply")
    expected = {}
    for name, v in pairs:
        if name in READERS and name in expected:
            raise Refused("occurs twice")
        if name in READERS:
            expected[name] = None if v is None else READERS[name](v)
    return expected


def text_of(cell):
    return bytes.fromhex(cell[2:]).decode("utf8")


def without_surrogates(text):
    """A pair of escapes is one character, a lone one is U+FFFD."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def is_same(name, cell, expected):
    if expected is None:
        return cell == "null"
    if isinstance(expected, str) and not isinstance(expected, Number) and name != "j":
        return cell.startswith("t:") and text_of(cell) == without_surrogates(expected)
    if isinstance(expected, int) and name in "irba":
        return cell == f"i:{expected:d}"
    if isinstance(expected, float):
        return cell.startswith("r:") and float.fromhex(cell[2:]).hex() == expected.hex()
    own = json.loads(text_of(cell), parse_int=Number, parse_float=Number, object_pairs_hook=lambda p: p)
    return own == expected


def main():
    print(f"seed={SEED}")
    lines = [record().encode("utf8") for _ in range(RECORDS)]
    lines = [harmed(line) if rng.random() < 0.33 else line for line in lines]
    done = subprocess.run([PEER], input=b"".join(line + b"\n" for line in lines), stdout=subprocess.PIPE, check=True)
    answers = done.stdout.decode("utf8", "replace").split("\n")[:-1]
    assert len(answers) == len(lines), (len(answers), len(lines))
    taken = refused = 0
    for line, answer in zip(lines, answers):
        try:
            expected = judge(line)
        except Refused as why:
            assert answer.startswith("refused "), (SEED, line, answer, f"Python: {why}")
            refused += 1
            continue
        assert not answer.startswith("refused "), (SEED, line, answer)
        cells = dict(zip(NAMES, answer.split("\t")))
        for name in NAMES:
            assert is_same(name, cells[name], expected.get(name)), (SEED, line, name, cells[name], expected.get(name))
        taken += 1
    print(f"{taken} records are the same, {refused} refused by both")
    assert taken > RECORDS / 5 and refused > RECORDS / 10
    return 0


if __name__ == "__main__":
    sys.exit(main())
