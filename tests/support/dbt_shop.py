"""A small dbt project as its manifest: a source, a seed, views, tables, an incremental model, tests, an exposure. `make()` writes it into the
folder `shop`; what is made of it is compiled for SQLite and holds no word of Jinja."""
import json
import os

SOURCE = "source.shop.raw.orders"


def node(kind, name, sql, parents, config=None, **more):
    unique_id = f"{kind}.shop.{name}"
    relation = None if kind == "test" or (config or {}).get("materialized") == "ephemeral" else f'main."{name}"'
    made = {"resource_type": kind, "unique_id": unique_id, "name": name, "alias": name, "package_name": "shop", "fqn": ["shop", name], "schema": "main",
            "database": "shop", "relation_name": relation, "raw_code": sql, "compiled": True, "compiled_code": sql, "language": "sql", "tags": [],
            "original_file_path": f"models/{name}.sql", "extra_ctes": [], "extra_ctes_injected": True,
            "depends_on": {"macros": [], "nodes": parents}, "config": {"materialized": kind, **(config or {})}, **more}
    if kind == "seed":
        for key in ("compiled", "compiled_code", "raw_code"):
            del made[key]
    return made


def model(name, sql, parents, materialized="view", config=None, **more):
    return node("model", name, sql, parents, {"materialized": materialized, **(config or {})}, **more)


def data_test(name, sql, on, parents=None, severity="ERROR"):
    return node("test", name, sql, parents or [on], {"severity": severity}, attached_node=on)


def nodes(is_incremental=False):
    orders, sales = "model.shop.stg_orders", "model.shop.sales"
    people, large = "seed.shop.people", "model.shop.large"
    delta = 'where id > (select max(id) from main."seen")' if is_incremental else ""
    return [
        node("seed", "people", "", [], {"delimiter": ","}, root_path="/elsewhere", original_file_path="seeds/people.csv"),
        model("stg_orders", 'select id, person, amount from main."orders"', [SOURCE], tags=["staging"], description="Orders, as the till has them."),
        model("sales", 'select p.name, sum(o.amount) as amount from main."stg_orders" o join main."people" p on p.id = o.person group by p.name',
              [orders, people], "table", {"schema": None}, group="finance"),
        model("large", 'select * from main."stg_orders" where amount > 10', [orders], "ephemeral"),
        model("big_sales", 'with __dbt__cte__large as (select * from main."stg_orders" where amount > 10) select count(*) as n from __dbt__cte__large',
              [large], "table", extra_ctes=[{"id": large, "sql": ""}]),
        model("seen", f'select id from main."orders" {delta}', [SOURCE], "incremental", {"incremental_strategy": "append"},
              raw_code='select id from x {% if is_incremental() %} where {% endif %}',
              depends_on={"macros": ["macro.dbt.is_incremental"], "nodes": [SOURCE]}),
        data_test("amounts_are_there", 'select id from main."stg_orders" where amount is null', orders),
        data_test("amounts_are_small", 'select id from main."stg_orders" where amount > 100', orders, severity="warn"),
        data_test("all_people_are_known", 'select person from main."stg_orders" where person not in (select id from main."people")', orders,
                  [orders, people]),
        data_test("names_are_unique", 'select name from main."sales" group by name having count(*) > 1', sales),
        node("test", "till_has_orders", 'select 1 where (select count(*) from main."orders") = 0', [SOURCE], {"severity": "ERROR"}),
    ]


def manifest(extra=(), is_incremental=False):
    source = {"resource_type": "source", "unique_id": SOURCE, "source_name": "raw", "name": "orders", "identifier": "orders", "package_name": "shop",
              "fqn": ["shop", "raw", "orders"], "schema": "main", "database": "shop", "relation_name": 'main."orders"', "description": "From the till."}
    board = {"resource_type": "exposure", "unique_id": "exposure.shop.board", "name": "board", "package_name": "shop", "fqn": ["shop", "board"],
             "type": "dashboard", "owner": {"name": "Ada", "email": "ada@example.test"}, "depends_on": {"nodes": ["model.shop.sales"], "macros": []}}
    group = {"resource_type": "group", "unique_id": "group.shop.finance", "name": "finance", "package_name": "shop",
             "owner": {"name": "Finance", "email": "finance@example.test"}}
    every = {item["unique_id"]: item for item in nodes(is_incremental)}
    every.update({item["unique_id"]: item for item in extra})
    return {"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "dbt_version": "1.10.0", "project_name": "shop",
                         "adapter_type": "sqlite"},
            "nodes": every, "sources": {SOURCE: source}, "exposures": {board["unique_id"]: board}, "groups": {group["unique_id"]: group}, "metrics": {},
            "macros": {"macro.dbt.is_incremental": {"name": "is_incremental", "package_name": "dbt", "unique_id": "macro.dbt.is_incremental",
                                                    "resource_type": "macro", "macro_sql": "{% macro is_incremental() %}{% endmacro %}",
                                                    "depends_on": {"macros": []}}},
            "selectors": {"nightly": {"name": "nightly", "definition": "tag:staging"}}}


def make(extra=(), folder="shop"):
    """shop/target/manifest.json, its second compilation beside it, and the seed's file."""
    os.makedirs(f"{folder}/target", exist_ok=True)
    os.makedirs(f"{folder}/seeds", exist_ok=True)
    for name, is_incremental in (("manifest.json", False), ("incremental.json", True)):
        with open(f"{folder}/target/{name}", "w", encoding="utf8") as file:
            json.dump(manifest(extra, is_incremental), file)
    with open(f"{folder}/seeds/people.csv", "w", encoding="utf8") as file:
        file.write("id,name\n1,ada\n2,bob\n")
