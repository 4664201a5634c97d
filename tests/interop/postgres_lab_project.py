"""A dbt project for PostgreSQL with every materialization, strategy and setting that we carry out, and the data under it as it changes from build to
build. Imported by postgres_lab_test.py."""

# What happens to the data before each build.
MUTATIONS = (
    """CREATE SCHEMA raw; CREATE TABLE raw.events (id int, k text, part int, v numeric(10,2), at timestamp);
    INSERT INTO raw.events SELECT i, 'k' || i % 7, i % 3, i * 1.25, timestamp '2026-01-01' + i * interval '1 hour' FROM generate_series(1, 60) i;
    INSERT INTO raw.events VALUES (NULL, 'null', 0, NULL, '2026-01-02'), (100, NULL, 1, 7, '2026-01-03');
    CREATE TABLE raw.wide (id int, name varchar(5), n int, at timestamp, gone text);
    INSERT INTO raw.wide VALUES (1, 'a', 10, '2026-01-01', 'x'), (2, 'b', 20, '2026-01-02', 'y');
    CREATE TABLE raw.people (id int, name text, city text, changed timestamp);
    INSERT INTO raw.people VALUES (1, 'Ann', 'Bonn', '2026-01-01'), (2, 'Bob', 'Köln', '2026-01-01'), (3, 'Cem', NULL, '2026-01-01')""",
    """INSERT INTO raw.events SELECT i, 'K' || i % 5, i % 3, i * 2.5, timestamp '2026-02-01' + i * interval '1 hour' FROM generate_series(50, 80) i;
    INSERT INTO raw.events VALUES (NULL, 'null again', 1, 1, '2026-02-02');
    ALTER TABLE raw.wide ADD COLUMN extra numeric(6,3); INSERT INTO raw.wide VALUES (2, 'bb', 21, '2026-02-01', 'z', 1.5), (3, 'c', 30, '2026-02-02', 'z', 2.5);
    UPDATE raw.people SET city = 'Bern', changed = '2026-02-01' WHERE id = 1; DELETE FROM raw.people WHERE id = 2;
    INSERT INTO raw.people VALUES (4, 'Dee', 'Ulm', '2026-02-01')""",
    """INSERT INTO raw.events SELECT i, 'q' || i % 5, i % 3, i * 3, timestamp '2026-03-01' + i * interval '1 hour' FROM generate_series(75, 90) i;
    DROP VIEW dbt.everything_view; ALTER TABLE raw.wide DROP COLUMN gone; ALTER TABLE raw.wide ALTER COLUMN n TYPE bigint; ALTER TABLE raw.wide ALTER COLUMN name TYPE varchar(12);
    INSERT INTO raw.wide VALUES (4, 'a long name', 40, '2026-03-01', 3.5);
    INSERT INTO raw.people VALUES (2, 'Bob', 'Rom', '2026-03-01')""",
    "DELETE FROM raw.events WHERE part = 2; INSERT INTO raw.wide VALUES (5, 'e', 50, '2026-04-01', 4.5)",
)
FULL_REFRESH = (False, False, False, True)

EVENTS = "select id, k, part, v, at from {{ source('raw', 'events') }}"
NEWER = "{% if is_incremental() %} where at > (select max(at) from {{ this }}) {% endif %}"


def incremental(settings, text=EVENTS, newer=NEWER):
    return "{{ config(materialized='incremental', " + settings + ") }}\n" + text + "\n" + newer + "\n"


MODELS = {
    "plain_view": EVENTS + " where id is not null -- the last line",
    "everything_view": "select * from {{ source('raw', 'wide') }}",
    "view_on_table": "select k, total from {{ ref('totals') }} where total > 10",
    "view_on_view": "select count(*) as n from {{ ref('view_on_table') }}",
    "quiet": "{{ config(materialized='ephemeral') }} " + EVENTS + " where v > 20",
    "totals": "{{ config(materialized='table', indexes=[{'columns': ['k'], 'unique': true}, {'columns': ['total', 'k'], 'type': 'btree'}, "
              "{'columns': ['k'], 'type': 'hash'}], grants={'select': ['lab_reader']}) }}\n"
              "select k, sum(v) as total, count(*) as n, min(at) as first_at from {{ ref('quiet') }} where k is not null group by k",
    "fleeting": "{{ config(materialized='table', unlogged=true, sql_header=\"set local work_mem = '8MB'; set local enable_hashjoin = off;\") }}\n"
                "select 1::smallint as one, 'ä'::text as t, array[1, 2] as a, '{\"b\": null}'::jsonb as j, null::date as d, 1.5::real as r, true as b",
    "hooked": "{{ config(materialized='table', pre_hook=['create table if not exists {{ this.schema }}.hook_log (what text)', "
              "{'sql': 'drop table if exists {{ this.schema }}.never_there', 'transaction': false}], "
              "post_hook=['insert into {{ this.schema }}.hook_log select count(*)::text from {{ this }}; analyze {{ this }}']) }}\n" + EVENTS,
    "agreed": "{{ config(materialized='table', contract={'enforced': true}, unlogged=true) }}\nselect 'x' as name, id, v from {{ source('raw', 'events') }} "
              "where id < 9 and v < 90",
    "agreed_view": "{{ config(contract={'enforced': true}) }}\nselect id, k::varchar(9) as k from {{ source('raw', 'events') }}",
    "agreed_increment": incremental("contract={'enforced': true}, on_schema_change='append_new_columns', unique_key='id'",
                                    text="select distinct on (id) id, k from (" + EVENTS + " where id is not null order by id, at desc) q",
                                    newer="{% if is_incremental() %} where at > '2026-01-31' {% endif %}"),
    "broken": "{{ config(materialized='table', contract={'enforced': true}) }}\nselect 1 as id, 2 as k",
    "elsewhere": "{{ config(materialized='table', schema='other', alias='Another Näme') }}\nselect 1 as \"Äpfel\", 2 as \"Select\"",
    "inc_append": incremental("incremental_strategy='append'"),
    "inc_append_key": incremental("incremental_strategy='append', unique_key='id'"),
    "inc_default": incremental("grants={'select': ['lab_reader']}"),
    "inc_default_key": incremental("unique_key='id', indexes=[{'columns': ['id', 'at']}]"),
    "inc_keys": incremental("incremental_strategy='delete+insert', unique_key=['id', 'part']"),
    "inc_expression": incremental("incremental_strategy='delete+insert', unique_key=\"coalesce(id, -1)\""),
    "inc_predicates": incremental("incremental_strategy='delete+insert', unique_key='id', incremental_predicates=['DBT_INTERNAL_DEST.part = 1']"),
    "inc_merge": incremental("incremental_strategy='merge', unique_key='id'", text="select distinct on (id) * from (" + EVENTS + " order by id, at desc) q"),
    "inc_merge_no_key": incremental("incremental_strategy='merge'"),
    "inc_merge_some": incremental("incremental_strategy='merge', unique_key=['id'], merge_update_columns=['v', 'at'], "
                                  "incremental_predicates=['DBT_INTERNAL_DEST.id > 52']",
                                  text="select distinct on (id) * from (" + EVENTS + " where id is not null order by id, at desc) q"),
    "inc_merge_but": incremental("incremental_strategy='merge', unique_key='id', merge_exclude_columns=['K']",
                                 text="select distinct on (id) * from (" + EVENTS + " where id is not null order by id, at desc) q"),
    "inc_never_full": incremental("full_refresh=false"),
    "inc_always_full": incremental("full_refresh=true"),
    "inc_ignore": incremental("on_schema_change='ignore', unique_key='id'", text="select id, name, n, at from {{ source('raw', 'wide') }}"),
    "inc_ignore_more": incremental("on_schema_change='ignore'", text="select * from {{ source('raw', 'wide') }}"),
    "inc_new_columns": incremental("on_schema_change='append_new_columns', unique_key='id'", text="select * from {{ source('raw', 'wide') }}"),
    "inc_sync": incremental("on_schema_change='sync_all_columns'", text="select * from {{ source('raw', 'wide') }}"),
    "inc_fail": incremental("on_schema_change='fail'", text="select * from {{ source('raw', 'wide') }}"),
    "view_on_sync": "select id, at from {{ ref('inc_sync') }}",
}
# Its kind changes with each build.
KINDS = ("view", "table", "incremental", "view")


def changing(build):
    return f"{{{{ config(materialized='{KINDS[build]}') }}}}\nselect id, k, {build} as build from {{{{ source('raw', 'events') }}}} where id < 5"



def incremental_models(build):
    return [name for name, text in dict(MODELS, changing=changing(build)).items() if "materialized='incremental'" in text]


SCHEMA = """
version: 2
sources:
  - name: raw
    schema: raw
    tables: [{name: events}, {name: wide}, {name: people}]
models:
  - name: totals
    description: "what was sold, it's said"
    config: {persist_docs: {relation: true, columns: true}}
    columns:
      - {name: k, description: "the 'key'", tests: [unique, not_null]}
      - {name: total, description: ""}
      - {name: absent, description: "not there"}
  - name: plain_view
    description: a view
    config: {persist_docs: {relation: true, columns: true}}
    columns:
      - name: id
        description: number
        tests: [{unique: {config: {severity: warn}}}, not_null]
      - name: k
        tests:
          - not_null: {config: {store_failures: true, severity: warn}}
          - accepted_values: {arguments: {values: ['k0', 'k1']}, config: {severity: warn, limit: 100, store_failures: true, store_failures_as: view}}
  - name: inc_default_key
    columns:
      - name: k
        tests:
          - relationships: {arguments: {to: ref('plain_view'), field: k}, config: {severity: warn, error_if: '>1000', warn_if: '>1'}}
  - name: agreed
    constraints:
      - {type: primary_key, columns: [id, name]}
      - {type: check, name: small, expression: "id < 1000"}
    columns:
      - {name: id, data_type: int, constraints: [{type: not_null}, {type: check, expression: "id > 0"}]}
      - {name: v, data_type: "numeric(12,3)"}
      - {name: name, data_type: varchar(10), constraints: [{type: custom, expression: "default 'y'"}]}
  - name: agreed_view
    columns: [{name: k, data_type: text}, {name: id, data_type: int}]
  - name: agreed_increment
    columns: [{name: id, data_type: integer, constraints: [{type: unique}]}, {name: k, data_type: text}]
  - name: broken
    columns: [{name: id, data_type: int}, {name: k, data_type: text}]
seeds:
  - name: cities
    config: {column_types: {zip: text}}
    columns: [{name: city, tests: [unique]}]
snapshots:
  - name: people_by_time
    relation: source('raw', 'people')
    config: {strategy: timestamp, unique_key: id, updated_at: changed, hard_deletes: invalidate}
  - name: people_by_value
    relation: source('raw', 'people')
    config: {strategy: check, unique_key: [id, name], check_cols: [city], hard_deletes: new_record}
"""
PROJECT = """
name: lab
version: "1.0"
profile: lab
flags: {send_anonymous_usage_stats: false}
models: {lab: {+materialized: view}}
"""
SEED = "city,zip,people,founded,big\nBonn,053111,330000,0011-01-01,false\nKöln,050667,1080000.5,0050-01-01,true\nUlm,,,,\n"
SINGULAR = "select * from {{ ref('totals') }} where total < 0 -- none"


def files(build):
    found = {f"models/{name}.sql": text for name, text in MODELS.items()}
    found.update({"models/changing.sql": changing(build), "models/schema.yml": SCHEMA, "dbt_project.yml": PROJECT, "seeds/cities.csv": SEED,
                  "tests/no_negative_totals.sql": SINGULAR})
    return found
