-- The engine: partitions, retries of runs, ticks of every instigator, checks, versions, freshness, backfills.

-- Runs and steps get more states; SQLite changes a CHECK only by a new table.
CREATE TABLE run_new (
    id TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    cause TEXT NOT NULL,
    cause_name TEXT NOT NULL,
    selection TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'not_started', 'starting', 'started', 'canceling',
        'success', 'failure', 'canceled')),
    steps INTEGER NOT NULL,
    created_at INTEGER NOT NULL, -- nanoseconds since 1970, as all times here
    started_at INTEGER,
    ended_at INTEGER,
    error TEXT NOT NULL DEFAULT '',
    error_code TEXT NOT NULL DEFAULT '',
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    keys TEXT NOT NULL DEFAULT '',          -- JSON array: the assets of its steps, in the plan's order
    tags TEXT NOT NULL DEFAULT '{}',        -- JSON object of texts
    priority INTEGER NOT NULL DEFAULT 0,    -- higher first
    partition TEXT NOT NULL DEFAULT '',     -- key; of a range the first
    partition_end TEXT NOT NULL DEFAULT '', -- of a range the last; else empty
    parent TEXT NOT NULL DEFAULT '',        -- the run that this one tries again
    root TEXT NOT NULL DEFAULT '',          -- the first of that line
    retry_number INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,  -- stays queued until then
    backfill TEXT NOT NULL DEFAULT '',
    output_bytes INTEGER NOT NULL DEFAULT 0 -- of captured output that is kept
) STRICT, WITHOUT ROWID;

CREATE TABLE step_new (
    run TEXT NOT NULL REFERENCES run_new (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    asset TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'started', 'success', 'failure', 'skipped', 'up_for_retry',
        'canceled')),
    attempt INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    retry_at INTEGER,
    error TEXT NOT NULL DEFAULT '',
    messages_read INTEGER NOT NULL DEFAULT 0, -- bytes of the attempt's Dagster Pipes messages that are recorded
    PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;

INSERT INTO run_new (id, job, cause, cause_name, selection, status, steps, created_at, started_at, ended_at, error,
    first_seq, last_seq)
SELECT id, job, cause, cause_name, selection, status, steps, created_at, started_at, ended_at, error, first_seq, last_seq
FROM run;
INSERT INTO step_new (run, step, asset, status, attempt, started_at, ended_at, error)
SELECT run, step, asset, status, attempt, started_at, ended_at, error FROM step;
DROP TABLE step;
DROP TABLE run;
ALTER TABLE run_new RENAME TO run;
ALTER TABLE step_new RENAME TO step;
CREATE INDEX run_open ON run (status) WHERE status NOT IN ('success', 'failure', 'canceled');
CREATE INDEX run_ended ON run (last_seq) WHERE status IN ('success', 'failure', 'canceled');
CREATE INDEX run_backfill ON run (backfill) WHERE backfill <> '';

-- What the last materialization was made of, and what was seen of assets that are made elsewhere.
-- Numbers of events over all epochs (buffer.renumbered): they order what was updated.
ALTER TABLE asset ADD COLUMN materialized_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE asset ADD COLUMN data_version TEXT NOT NULL DEFAULT '';
ALTER TABLE asset ADD COLUMN is_version_given INTEGER NOT NULL DEFAULT 0 CHECK (is_version_given IN (0, 1)); -- not computed
ALTER TABLE asset ADD COLUMN code_version TEXT NOT NULL DEFAULT '';
ALTER TABLE asset ADD COLUMN inputs TEXT NOT NULL DEFAULT '{}'; -- JSON object: upstream key to its data version then
ALTER TABLE asset ADD COLUMN observed_at INTEGER;
ALTER TABLE asset ADD COLUMN observed_version TEXT NOT NULL DEFAULT '';
ALTER TABLE asset ADD COLUMN observed_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE asset ADD COLUMN changed_seq INTEGER NOT NULL DEFAULT 0; -- of the last observation of another data version
ALTER TABLE asset ADD COLUMN freshness TEXT NOT NULL DEFAULT ''; -- the state last told
ALTER TABLE asset ADD COLUMN freshness_at INTEGER;

CREATE TABLE asset_partition (
    asset TEXT NOT NULL,
    partition TEXT NOT NULL,
    materialized_at INTEGER,
    materialized_seq INTEGER NOT NULL DEFAULT 0,
    run TEXT NOT NULL DEFAULT '',
    data_version TEXT NOT NULL DEFAULT '',
    failed_at INTEGER,
    error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (asset, partition)
) STRICT, WITHOUT ROWID;

-- The last evaluation of each check.
CREATE TABLE asset_check (
    asset TEXT NOT NULL,
    name TEXT NOT NULL,
    run TEXT NOT NULL,
    at INTEGER NOT NULL,
    passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
    severity TEXT NOT NULL,
    metadata TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (asset, name)
) STRICT, WITHOUT ROWID;

-- Schedules, sensors and automation: what starts runs. A row when there is something to remember.
CREATE TABLE instigator (
    kind TEXT NOT NULL CHECK (kind IN ('schedule', 'sensor', 'automation')),
    name TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT '' CHECK (status IN ('', 'running', 'paused')), -- '' = as defined
    changed_at INTEGER NOT NULL DEFAULT 0,
    decided INTEGER NOT NULL DEFAULT 0, -- schedule: the last nominal time that was decided on, or when it began; 0 = it
                                        -- has not begun, or is paused
    ticked_at INTEGER NOT NULL DEFAULT 0,
    cursor TEXT NOT NULL DEFAULT '',    -- schedule: its cron text and zone, to know when they were changed
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
INSERT INTO instigator (kind, name, decided, ticked_at) SELECT 'schedule', name, nominal, nominal FROM schedule;
DROP TABLE schedule;

CREATE TABLE tick (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    nominal INTEGER NOT NULL, -- schedule: the identity of the tick; else 0
    at INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('started', 'skipped', 'failed')),
    run TEXT NOT NULL DEFAULT '',
    partition TEXT NOT NULL DEFAULT '',
    run_key TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX tick_of ON tick (kind, name, id);
-- No nominal time starts two runs.
CREATE INDEX tick_started ON tick (name, nominal) WHERE kind = 'schedule' AND status = 'started';

-- A run key starts one run, for ever.
CREATE TABLE run_key (
    sensor TEXT NOT NULL,
    run_key TEXT NOT NULL,
    run TEXT NOT NULL,
    PRIMARY KEY (sensor, run_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE dynamic_partition (
    id INTEGER PRIMARY KEY, -- the order of addition
    name TEXT NOT NULL,     -- of the set
    partition TEXT NOT NULL,
    UNIQUE (name, partition)
) STRICT;

CREATE TABLE backfill (
    id TEXT PRIMARY KEY,
    selection TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('requested', 'canceling', 'completed_success', 'completed_failed', 'canceled')),
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    per_run INTEGER NOT NULL,  -- partitions in one run; 0 = all of them
    runs_max INTEGER NOT NULL, -- open at the same time; 0 = as the device sees fit
    newest_first INTEGER NOT NULL CHECK (newest_first IN (0, 1)),
    leg INTEGER NOT NULL,            -- which part of the selection: its assets that are partitioned alike
    after TEXT NOT NULL DEFAULT '',  -- the backfill that must have succeeded first
    tags TEXT NOT NULL DEFAULT '{}',
    total INTEGER NOT NULL,
    reason TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX backfill_unfinished ON backfill (status) WHERE status IN ('requested', 'canceling');

CREATE TABLE backfill_part (
    backfill TEXT NOT NULL REFERENCES backfill (id) ON DELETE CASCADE,
    number INTEGER NOT NULL, -- the order in which they run; neighbours in time have neighbouring numbers
    partition TEXT NOT NULL, -- empty: of assets without partitions
    status TEXT NOT NULL CHECK (status IN ('waiting', 'requested', 'success', 'failure', 'canceled')),
    run TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (backfill, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX backfill_part_key ON backfill_part (backfill, partition);
CREATE INDEX backfill_part_status ON backfill_part (backfill, status, number);
CREATE INDEX backfill_part_run ON backfill_part (run) WHERE run <> '';

-- What an asset's automation condition remembers, and its last request with the tree that says why.
CREATE TABLE automation (
    asset TEXT PRIMARY KEY,
    cursor TEXT NOT NULL,
    evaluated_at INTEGER NOT NULL, -- when the cursor moved
    requested_at INTEGER,
    run TEXT NOT NULL DEFAULT '',
    tree TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;

-- How many numbers epochs have given back, all together: seq + renumbered never goes back.
ALTER TABLE buffer ADD COLUMN renumbered INTEGER NOT NULL DEFAULT 0;
