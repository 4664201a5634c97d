"""dbt projects: opening a manifest of 2,000 models and 6,000 tests, and the bundle of it."""
import os

import dbt_big
from harness import Result, row


def project(bench):
    """Two compilations of the large project; at full size each is a little more than 23 MB."""
    folder = bench.path("dbt_big")
    models = bench.count(2000, 10)
    return {"folder": folder, "full": dbt_big.write(folder, models),
            "incremental": dbt_big.write(folder, models, incremental=True, name="second.json")}


def opened(bench):
    """The process that does nothing else, five times."""
    path = bench.once("dbt_big", project)["full"]
    program = bench.program("bench/dbt_open")
    return [bench.run("measure", program, path) for _ in range(bench.pairs_count)]


def median(values):
    return sorted(values)[len(values) // 2]


@row("ms", "<= 300 ms")
def dbt_import_23mb_ms(bench):
    """CPU time of a process that opens the manifest and ends."""
    return Result(median([m["cpu_ns"] for m in bench.once("dbt_open", opened)]) / 1e6)


@row("MB", "<= 8 MB")
def dbt_import_23mb_memory(bench):
    """Its peak."""
    return Result(median([m["peak_bytes"] for m in bench.once("dbt_open", opened)]) / 1e6)


@row("KB", "<= 420 KB")
def dbt_bundle_23mb_bytes(bench):
    """Both compilations and the seeds, packed."""
    paths = bench.once("dbt_big", project)
    out = bench.path("big.dbt.gz")
    bench.run("measure", bench.program("selvedge-hub"), "dbt-bundle", paths["full"], "--incremental", paths["incremental"],
              "--seeds", paths["folder"], "-o", out)
    return Result(os.path.getsize(out) / 1e3)
