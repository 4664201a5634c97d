"""What the retry of a run of a dbt project does again: tests that held everything back though they are of no model, and models that a test refused."""
import json
import os
import signal
import sqlite3
import subprocess
import time

import dbt_shop
from dbt_agent_test import AGENT, GOOD, agent, assets_of, checks, define, orders
from el_step import main


def load(text):
    """New rows of the till, without a run."""
    connection = sqlite3.connect("shop.db")
    connection.execute("delete from orders")
    connection.executemany("insert into orders (id, person, amount) values (?, ?, ?)", [tuple(line.split(",")) for line in text.splitlines()[1:]])
    connection.commit()
    connection.close()


def failed_run():
    return json.loads(agent("runs", "--json", "--status", "failure").splitlines()[0])["run"]


def retry(fails=False):
    """By a daemon, as retries are."""
    run = failed_run()
    daemon = subprocess.Popen([AGENT, "daemon"], env={"PATH": "/usr/bin:/bin", "SELVEDGE_STATE_DIR": os.path.abspath("state"),
                                                      "SELVEDGE_DEFINITIONS": os.path.abspath("selvedge.yaml")},
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if os.path.exists("state/control.sock") or os.path.exists("state/agent.sock"):
                break
            time.sleep(0.1)
        return agent("retry", run, fails=fails)
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)


def a_source_is_tested_again():
    dbt_shop.make()
    define()
    orders("id,person,amount\n")
    agent("materialize", "*", fails=True)
    retry(fails=True)  # there is still nothing: nothing may be made from it
    assert checks() == {"till_has_orders": ("raw/orders", False, "error")} and assets_of("asset_materialization") == [], checks()
    load(GOOD)
    retry()
    assert assets_of("asset_materialization") == ["big_sales", "report", "sales", "seen", "stg_orders"], assets_of("asset_materialization")
    assert checks()["till_has_orders"] == ("raw/orders", True, "error"), checks()
    agent("materialize", "stg_orders")
    assert "till_has_orders" not in checks()  # no retry: as ever


def a_made_model_with_a_failed_test_is_made_again():
    leaf = dbt_shop.data_test("leaf", 'select 1 where (select count(*) from main."orders") = 2', "model.shop.seen")
    dbt_shop.make(extra=[leaf])
    define()
    orders(GOOD)
    agent("materialize", "*", fails=True)
    load(GOOD + "3,1,4\n")
    retry()
    assert assets_of("asset_materialization") == ["seen"] and set(checks()) == {"leaf"} and checks()["leaf"][1], checks()


def a_failed_test_that_held_nothing_back_is_asked_by_name():
    both = dbt_shop.node("test", "both", 'select 1 where (select count(*) from main."orders") = 2', ["model.shop.sales", "model.shop.seen"],
                         {"severity": "ERROR"})
    dbt_shop.make(extra=[both])
    define()
    orders(GOOD)
    agent("materialize", "*", fails=True)
    assert "needs another try" in retry(fails=True)
    load(GOOD + "3,1,4\n")
    agent("materialize", "--dbt-select", "1+both")
    assert assets_of("asset_materialization") == ["sales", "seen"]


TESTS = (a_source_is_tested_again, a_made_model_with_a_failed_test_is_made_again, a_failed_test_that_held_nothing_back_is_asked_by_name)


if __name__ == "__main__":
    main(TESTS)
