"""Random small CSVs that are hard on dbt's type inference, and values that are known to be odd."""

ODD = ["-$5", "$-5", "--5", "5 %", "%5%", "$ 5", "$1,000", "1_000", "_", "１２", "१२.५", "1e999999", "nan", "sNaN", "NaN123", "NaN0012", "-nan",
       "-inf", "Infinity", "infinit", "123456789012345678901234567890.5", "12345678901234567890123456785", "9999999999999999999999999999.5",
       "0.00000000000000000000000000000000001", "2020-1-5", "2020-01- 5", "0000-01-01", "2020-02-30", "2020-01-01T00:00:00", "2020-12-31",
       "2020-01-01T00:00:00Z", "2020-01-01T00:00:00.1234567+0530", "20200101T101112", "2020-W01-1T00:00", "2020W531T10", "2020-001T00",
       "2020000T00", "20T00", "2020T00", "2020-00T00", "2020-00-05T00", "2020-01-01T10.5", "2020-01-01T10,12345", "2020-01-01T10:30.999",
       "2020-01-01T10:59.9999999999", "2020-01-01T00.99999999999", "2020-01-01T00:00-01:99", "2020-01-01T00:00+00", "9999-W53-7T00",
       "2020-01-01 00:00:00", "2020-01-01  1:2:3", "2020-01-01 23:59:60", "2020-01-01 24:00:00", "２０２０-01-1１ 1１:2:3", "2020-01-3１",
       "tr,ue", " TRUE ", "false", "yes", "t", ",", "+5", "5-", "1,2,3", "1.5", "0x10", "1.", ".", ".5", "e5", "5e-3", "5E+3", "1 2", "¥5",
       "5€", "$€5", "€$5", "5₫₤", " null ", "NULL", "nul,l", "0.0", "1.50", "1.0", "100e-2", "-0", "-0.00", "0e3", "005", "-", "+", "%", "$",
       "2020-01-01T24:00:00", "2020-01-01t00:00:00", "\u00a05\u2003", "x y ", "", " ", "\u3000", "none", "N/A", "line\u2028end", 'quo"te',
       "two\nlines", "1,", ", 1", "1\u00a0,", "_1_", "1e5_0", "1__0.5", "٠", "-1e-7", "0.000001", "0.0000001", "1234567e-10", "ſ", "nuLL"]
ATOMS = ["0", "1", "7", "12", "59", "60", "2020", "-", "+", ".", ",", ":", " ", "T", "Z", "e", "E", "%", "$", "€", "_", "W", "nan", "inf", "true",
         "false", "null", "\u00a0", "٣", "x", "2021-02-28", "10:20:30", "00"]


def value(rng):
    kind = rng.randrange(12)
    if kind == 0:
        return rng.choice(ODD)
    if kind == 1:
        return "".join(rng.choice(ATOMS) for _ in range(rng.randrange(1, 6)))
    if kind == 2:
        return f"{rng.randrange(0, 2030):04d}-{rng.randrange(0, 14)}-{rng.randrange(0, 33)}"
    if kind == 3:
        return (f"{rng.randrange(1, 10000):04d}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 32):02d}{rng.choice([' ', 'T', '  '])}"
                f"{rng.randrange(0, 25)}:{rng.randrange(0, 61):02d}:{rng.randrange(0, 62):02d}")
    if kind == 4:
        date = rng.choice(["2020-02-29", "20210131", "2021-W07-3", "2021W073", "2021-W53", "2021-366", "2021366", "2021-07", "202107", "2021", "19"])
        time = rng.choice(["10:20:30", "102030", "10:20", "1020", "10", "23:59:59"]) + rng.choice(["", ".5", ",123456789", ".999999999999", "."])
        return date + "T" + time + rng.choice(["", "Z", "+01", "-0130", "+05:45", "+1", "+24:00"])
    if kind in (5, 6):
        return str(rng.randrange(-1000, 1000))
    if kind == 7:
        return repr(rng.uniform(-1e6, 1e6)) if rng.randrange(2) else f"{rng.uniform(0, 1):.{rng.randrange(0, 40)}f}"
    if kind == 8:
        return rng.choice(["$", "€", "", "-", "(", "£ "]) + f"{rng.randrange(10 ** rng.randrange(1, 35)):,}" + rng.choice(["", "%", " %", "€", ".50"])
    if kind == 9:
        return rng.choice(["true", "false", "True", "FALSE", "null", ""])
    if kind == 10:
        return rng.choice(["", " ", "null", "NULL", "Null "])
    return "".join(chr(rng.choice([32, 48, 65, 97, 0xe9, 0x20ac, 0x1f600, 34, 44, 10])) for _ in range(rng.randrange(0, 6)))


def field(rng, text):
    if any(c in text for c in ',"\n\r') or rng.randrange(5) == 0:
        return '"' + text.replace('"', '""') + '"'
    return text


def csv_text(rng):
    columns = rng.randrange(1, 5)
    names = [rng.choice(["a", "b", "", "id", "name", "Amount ($)"]) for _ in range(columns)]
    # Mostly columns of one kind, so that types other than text come out.
    kinds = [None if rng.randrange(3) == 0 else [value(rng) for _ in range(rng.randrange(1, 3))] for _ in names]
    lines = [",".join(field(rng, name) for name in names)]
    for _ in range(rng.randrange(0, 5)):
        row = [field(rng, value(rng) if kind is None else rng.choice(kind + ["", kind[0]])) for kind in kinds]
        lines.append(",".join(row[:rng.randrange(1, columns + 1)] if rng.randrange(8) == 0 else row))
        if rng.randrange(15) == 0:
            lines.append("")
    if lines[0] == "":
        lines[0] = '""'
    end = rng.choice(["\n", "\n", "\r\n"])
    return ("\ufeff" if rng.randrange(10) == 0 else "") + end.join(lines) + rng.choice([end, ""])
