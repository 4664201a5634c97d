"""The failure shapes: small projects, and what is done to each. Both sides are made from this table, and what an asset does is the same
shell script, or the same Dagster Pipes program, on both.

Each script finds ATTEMPT (from 1), STEP_PID (the process that carries out the step), and the files STARTED and MENDED of its shape."""
from dataclasses import dataclass, replace

FAILS = "exit 1"
FAILS_TWICE = "test $ATTEMPT -gt 2"
FAILS_UNTIL_MENDED = "test -e $MENDED"
FAILS_IN_ONE_RUN = "test -e $MENDED || { touch $MENDED; exit 1; }"
SAYS_THAT_IT_STARTED = "echo $STEP_PID > $STARTED.new && mv $STARTED.new $STARTED"
HANGS = f"{SAYS_THAT_IT_STARTED}; while test -e $STARTED; do sleep 0.1; done"  # as long as the test goes on
HANGS_ONCE = f"test -e $STARTED || {{ {HANGS}; }}"
IS_KILLED = "kill -9 $STEP_PID"
IS_KILLED_ONCE = f"test $ATTEMPT -gt 1 || {{ {IS_KILLED}; }}"
# Blocks by its definition, and then reports no more than a warning.
WARNS = """
from dagster_pipes import open_dagster_pipes
with open_dagster_pipes() as pipes:
    pipes.report_asset_check("rows", passed=False, severity="WARN")
"""
REPORTS_AND_FAILS = """
from dagster_pipes import open_dagster_pipes
with open_dagster_pipes() as pipes:
    pipes.report_asset_materialization()
    raise SystemExit(1)
"""

IN_PROCESS, IN_WORKER, IN_PROCESSES = "in process", "in a run worker", "in a process for each step"


@dataclass(frozen=True)
class Check:
    name: str
    does: str = ""  # a script; empty: the asset's program reports it
    severity: str = "error"
    blocking: bool = False


@dataclass(frozen=True)
class Asset:
    key: str
    does: str = "true"
    deps: tuple = ()
    program: str = ""  # Python, instead of a script
    retries: int = 0
    checks: tuple = ()


@dataclass(frozen=True)
class Shape:
    """`acts`: what is done, one after the other; a side has a method for each. `dagster`: where Dagster carries the steps out. `differs`:
    which differences of failures_test.py show, beside those that always do: all of them, and no other."""
    name: str
    assets: tuple
    differs: tuple = ()
    acts: tuple = ("start", "end")
    tags: tuple = ()  # of the run: (name, value)
    dagster: str = IN_PROCESS

    def key(self, asset_key):
        return f"{self.name}/{asset_key}"


def chain(*assets):
    """Each is made from the one before it."""
    return assets[:1] + tuple(replace(asset, deps=(before.key,)) for before, asset in zip(assets, assets[1:]))


def blocking(does=FAILS, **more):
    return Check("rows", does, blocking=True, **more)


# What differs: of a step that fails, of one that others wait for, of checks.
FAILURE = ("failed to materialize",)
BLOCKS = (*FAILURE, "skipped")
CHECKS = "planned checks"
RETRIED = (("dagster/max_retries", "1"),)
AND_AGAIN = ("start", "end", "next", "end")

SHAPES = (
    Shape("fails_at_once", (Asset("a", FAILS),), FAILURE),
    Shape("middle_of_a_chain", chain(Asset("a"), Asset("b", FAILS), Asset("c"), Asset("d")), BLOCKS),
    Shape("arm_of_a_diamond", (Asset("top"), Asset("left", FAILS, ("top",)), Asset("right", deps=("top",)),
                               Asset("bottom", deps=("left", "right"))), BLOCKS),
    Shape("other_branch_goes_on", (Asset("a", FAILS), Asset("b", deps=("a",)), Asset("c"), Asset("d", deps=("c",))), BLOCKS),
    Shape("recovers_by_retries", chain(Asset("a", FAILS_TWICE, retries=3), Asset("b"))),
    Shape("uses_up_its_retries", chain(Asset("a", FAILS, retries=2), Asset("b")), BLOCKS),
    Shape("blocking_check", chain(Asset("a", checks=(blocking(),)), Asset("b"), Asset("c")), (CHECKS, "skipped")),
    Shape("blocking_check_and_retries", chain(Asset("a", retries=2, checks=(blocking(),)), Asset("b")), (CHECKS, "skipped")),
    Shape("check_that_does_not_block", chain(Asset("a", checks=(Check("rows", FAILS), Check("names", "true"))), Asset("b")), (CHECKS,)),
    Shape("check_that_warns", chain(Asset("a", checks=(Check("rows", FAILS, "warn"),)), Asset("b")), (CHECKS,)),
    Shape("blocking_check_that_warns", chain(Asset("a", program=WARNS, checks=(blocking(""),)), Asset("b")), (CHECKS,)),
    Shape("check_of_what_failed", chain(Asset("a", FAILS, checks=(blocking("true"),)), Asset("b")), (CHECKS, *BLOCKS)),
    Shape("reports_and_fails", chain(Asset("a", program=REPORTS_AND_FAILS), Asset("b")), ("partial", *BLOCKS)),
    Shape("retried_by_hand", (*chain(Asset("a"), Asset("b", FAILS_UNTIL_MENDED), Asset("c")), Asset("d")), (*BLOCKS, "dequeued"),
          acts=("start", "end", "mend", "retry", "end")),
    Shape("run_retried", chain(Asset("a"), Asset("b", FAILS_IN_ONE_RUN), Asset("c")), (*BLOCKS, "dequeued"), AND_AGAIN, RETRIED),
    Shape("run_retried_from_asset_failure", (*chain(Asset("a", checks=(blocking(),)), Asset("b")), Asset("c", FAILS)),
          (CHECKS, *BLOCKS, "dequeued"), AND_AGAIN, (*RETRIED, ("dagster/retry_strategy", "FROM_ASSET_FAILURE"))),
    Shape("run_retried_whole", chain(Asset("a"), Asset("b", FAILS)), (*FAILURE, "dequeued"), AND_AGAIN,
          (*RETRIED, ("dagster/retry_strategy", "ALL_STEPS"))),
    Shape("nothing_to_retry", (Asset("a"),), acts=("start", "end", "retry_in_vain")),
    Shape("canceled_in_the_queue", chain(Asset("a"), Asset("b")), ("planned", "canceled in the queue"), ("enqueue", "cancel", "end")),
    Shape("canceled_while_it_runs", chain(Asset("a"), Asset("b", HANGS), Asset("c")), ("canceled step", *BLOCKS),
          ("start", "started", "cancel", "end"), dagster=IN_WORKER),
    Shape("canceled_with_retries_left", chain(Asset("a", HANGS_ONCE, retries=3), Asset("b")),
          ("retried although canceled", "canceled step", *BLOCKS), ("start", "started", "cancel", "end"), dagster=IN_WORKER),
    Shape("takes_too_long", chain(Asset("a"), Asset("b", HANGS), Asset("c")), ("too long", *BLOCKS), ("start", "started", "overrun", "end"),
          (("dagster/max_runtime", "10"),), IN_WORKER),
    Shape("step_is_killed", chain(Asset("a", IS_KILLED_ONCE, retries=1), Asset("b", IS_KILLED), Asset("c")), BLOCKS, dagster=IN_PROCESSES),
    Shape("engine_is_killed", chain(Asset("a"), Asset("b", HANGS_ONCE), Asset("c")), ("interrupted step", "interrupted run", "skipped"),
          ("start", "started", "kill", "end"), dagster=IN_WORKER),
    Shape("unknown_asset", (Asset("a"),), acts=("ask_for_unknown",)),
)


# --- what was seen of one, in the same words for both sides ---


@dataclass
class Step:
    """`story`: what happened to it, in order, among what happened to its run: "run_start", "step_start 1" (of the first attempt)."""
    story: list
    status: str  # the last word on it; "" when there is none
    attempt: int


@dataclass
class Run:
    story: list  # of the run alone
    status: str
    parent: int  # its place among the shape's runs; -1: none
    steps: dict  # by key


@dataclass
class Seen:
    runs: list
    made: list  # keys of the assets that are materialized now, sorted
    checks: dict  # "key check" to "passed" or "failed": of those that were evaluated, the last result
    refused: str = ""  # why no run came of it
