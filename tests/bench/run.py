#!/usr/bin/env python3
"""Measures against limits and peers in the same run. `./dev bench [NAME...] [--json FILE]`; README.md says how."""
import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support"),
                os.path.join(os.path.dirname(HERE), "ui")]

from harness import ROWS, Bench, Skip, note  # noqa: E402

QUICK_SCALE = 0.1
SMOKE_SCALE = 0.002


def arguments():
    parser = argparse.ArgumentParser(prog="dev bench", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows to measure; all without one")
    parser.add_argument("--json", metavar="FILE", help="one JSON object a line")
    parser.add_argument("--list", action="store_true", help="the names there are")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, three pairs")
    parser.add_argument("--smoke", action="store_true", help="everything once, tiny: that it runs, not what it says")
    parser.add_argument("--build-dir", default="build/release")
    return parser.parse_args()


def number(value):
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def as_json(row, result):
    return {"name": row.name, "value": result.value, "unit": row.unit, "peer": row.peer,
            "peer_value": result.peer_value, "ratio": result.ratio, "budget": row.budget,
            "met": row.is_met(result)}


LINE = "{:<32} {:>12} {:<9} {:>12} {:>7}  {:<14} {}"


def measure(row, bench, says_met=True):
    """The row's JSON object; None when it failed."""
    try:
        result = row.measure(bench)
    except Skip as why:
        print(LINE.format(row.name, "", "", "", "", row.budget, f"skipped: {why}"), flush=True)
        return {"name": row.name, "value": None, "unit": row.unit, "peer": row.peer, "peer_value": None,
                "ratio": None, "budget": row.budget, "met": None, "skipped": str(why)}
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
        note(f"bench: {row.name}: FAILED")
        return None
    done = as_json(row, result)
    ratio = "" if result.ratio is None else f"{result.ratio:.2f} x"
    print(LINE.format(row.name, number(result.value), row.unit, number(result.peer_value), ratio, row.budget,
                      "" if not says_met else "met" if done["met"] else "MISSED"), flush=True)
    return done


def main():
    args = arguments()
    os.environ["SELVEDGE_BIN_DIR"] = os.path.abspath(os.path.join(args.build_dir, "bin"))
    import rows_store, rows_hub, rows_fleet, rows_el, rows_el_peers, rows_link, rows_agent, rows_engine, rows_schedule, rows_dbt, rows_dbt_build, rows_live, rows_ui, rows_api  # noqa: E401,F401 pylint: disable=import-outside-toplevel,unused-import
    if args.list:
        print("\n".join(ROWS))
        return 0
    unknown = [name for name in args.names if name not in ROWS]
    if unknown:
        note(f"bench: there is no row {unknown[0]}; there are: {' '.join(ROWS)}")
        return 2
    scale = SMOKE_SCALE if args.smoke else QUICK_SCALE if args.quick else 1.0
    pairs = 1 if args.smoke else 3 if args.quick else Bench.PAIRS
    started = time.monotonic()
    # Beside the build, on its disk: /tmp may be memory, where nothing is ever written.
    work_dir = tempfile.mkdtemp(prefix="bench-", dir=os.path.abspath(args.build_dir))
    results = []
    bench = Bench(os.environ["SELVEDGE_BIN_DIR"], work_dir, scale, pairs)
    try:
        print(LINE.format("name", "value", "unit", "peer", "ratio", "budget", ""), flush=True)
        for name in args.names or ROWS:
            results.append(measure(ROWS[name], bench, not args.smoke))
    finally:
        bench.close()
        shutil.rmtree(work_dir, ignore_errors=True)
    if args.json:
        with open(args.json, "w") as f:
            f.writelines(json.dumps(r) + "\n" for r in results if r)
    missed = sum(r is not None and r["met"] is False for r in results)
    note(f"bench: {len(results)} rows, {missed} missed, {results.count(None)} failed, "
         f"{time.monotonic() - started:.0f} s")
    return 1 if None in results else 0


if __name__ == "__main__":
    sys.exit(main())
