"""A multi-asset with what is made from its assets, as Dagster jobs: `strict`, as they are by default, and `loose`, where downstream waits for
outputs and not for whole steps. What it does stands in the environment."""
import json
import os

import dagster

MADE_TOGETHER = ["a", "b", "c"]
DOWNSTREAM = {"of_a": ["a"], "of_b": ["b"], "of_c": ["c"], "of_ab": ["a", "b"]}
DOES = "MULTI_ASSET_DOES"  # {"reports": [...], "fails": bool, "asked": path}


@dagster.multi_asset(specs=[dagster.AssetSpec(key, skippable=True) for key in MADE_TOGETHER], can_subset=True,
                     retry_policy=dagster.RetryPolicy(max_retries=1))
def lake(context: dagster.AssetExecutionContext):
    does = json.loads(os.environ[DOES])
    selected = sorted(key.to_user_string() for key in context.selected_asset_keys)
    with open(does["asked"], "a") as f:
        f.write(f"{context.retry_number + 1}: {' '.join(selected)}\n")
    for key in does["reports"] if does["fails"] else selected:
        if key in selected:
            yield dagster.MaterializeResult(asset_key=key)
    if does["fails"]:
        raise dagster.Failure("it broke", allow_retries=does.get("retries", False))


def downstream(key, deps):
    return dagster.asset(key=key, deps=deps)(lambda: None)


def job(name, config):
    return dagster.define_asset_job(name, executor_def=dagster.in_process_executor.configured(config))


defs = dagster.Definitions(assets=[lake, *(downstream(key, deps) for key, deps in DOWNSTREAM.items())],
                           jobs=[job("strict", {}), job("loose", {"step_dependency_config": {"require_upstream_step_success": False}})])


def strict():
    return defs.get_job_def("strict")


def loose():
    return defs.get_job_def("loose")
