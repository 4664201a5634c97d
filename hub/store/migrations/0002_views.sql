-- Views derived from the event log, kept in the merge's transaction; `selvedge-hub rebuild` derives them again.
--
-- Why they do not depend on the order in which streams arrive: within a stream events are merged in order, and a row
-- either belongs to one stream (stream_id), or it is "the latest of its device". Latest is by (stream_ms, epoch, seq), where
-- stream_ms is the stream's first_at_ms: such a row keeps the stamp of what it shows and gives way to a higher one only.
-- Counts add up, in whatever order.

-- --- of one stream -----------------------------------------------------------------------------------------------------

CREATE TABLE run (
    stream_id INTEGER NOT NULL,
    run TEXT NOT NULL,
    status TEXT NOT NULL,                  -- queued, started, success, failure, canceled
    job TEXT,
    cause TEXT,                            -- schedule, manual, command, sensor
    cause_name TEXT,
    selection TEXT,
    tags TEXT,                             -- JSON
    steps INTEGER,                         -- how many it was enqueued with
    enqueued_ms INTEGER,
    started_ms INTEGER,
    ended_ms INTEGER,
    error TEXT,                            -- JSON: {code, message, hint}
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,             -- of the last event that changed the run itself
    PRIMARY KEY (stream_id, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_by_id ON run (run);

CREATE TABLE step (
    stream_id INTEGER NOT NULL,
    run TEXT NOT NULL,
    step TEXT NOT NULL,
    asset TEXT,
    status TEXT NOT NULL,                  -- waiting, started, up_for_retry, success, failure, skipped
    attempt INTEGER NOT NULL,              -- 0 = never started
    started_ms INTEGER,                    -- of the latest attempt
    ended_ms INTEGER,
    duration_ms INTEGER,
    retry_ms INTEGER,                      -- when the next attempt is due
    error TEXT,                            -- JSON, of the latest attempt that failed
    exit TEXT,
    reason TEXT,                           -- of a skip
    PRIMARY KEY (stream_id, run, step)
) STRICT, WITHOUT ROWID;

-- Every materialization, in the order of the log: one page takes what a batch brings. Its duration is the step's.
CREATE TABLE materialization (
    stream_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    asset TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    run TEXT,
    step TEXT,
    row_count INTEGER,                     -- in the table afterwards
    rows_written INTEGER,                  -- by this materialization
    byte_count INTEGER,                    -- read for it
    PRIMARY KEY (stream_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE gap (                         -- events that will never come
    stream_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    from_seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    reason TEXT,
    dropped TEXT,                          -- JSON: {type: count}
    PRIMARY KEY (stream_id, seq)
) STRICT, WITHOUT ROWID;

-- Definitions come in parts and hold once the last part of one hash is there: how far the set has come in.
CREATE TABLE definitions_part (
    stream_id INTEGER NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL,
    parts INTEGER NOT NULL,
    part INTEGER NOT NULL,                 -- the last one that came
    first_seq INTEGER NOT NULL             -- where its first part stands
) STRICT;

-- --- the latest of a device --------------------------------------------------------------------------------------------

CREATE TABLE device_state (                -- what the agent said of itself when it last started
    device TEXT NOT NULL PRIMARY KEY,
    version TEXT,
    board TEXT,
    boot_id TEXT,
    agent_start TEXT,
    at_ms INTEGER,
    stream_ms INTEGER,
    epoch TEXT,
    starts INTEGER NOT NULL DEFAULT 0,
    clock_steps INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE definitions (
    device TEXT NOT NULL PRIMARY KEY,
    hash TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    stream_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL                   -- of the part that completed them
) STRICT, WITHOUT ROWID;

CREATE TABLE asset_definition (
    device TEXT NOT NULL,
    asset TEXT NOT NULL,
    group_name TEXT,
    kinds TEXT,                            -- JSON, as are tags, owners and checks
    tags TEXT,
    owners TEXT,
    checks TEXT,
    description TEXT,
    code_version TEXT,
    is_external INTEGER NOT NULL CHECK (is_external IN (0, 1)),
    PRIMARY KEY (device, asset)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_definition_by_asset ON asset_definition (asset);

CREATE TABLE edge (
    device TEXT NOT NULL,
    downstream TEXT NOT NULL,
    upstream TEXT NOT NULL,
    PRIMARY KEY (device, downstream, upstream)
) STRICT, WITHOUT ROWID;
CREATE INDEX edge_by_assets ON edge (upstream, downstream);

-- What happened to an asset; what was defined stands in asset_definition.
CREATE TABLE asset_state (
    device TEXT NOT NULL,
    asset TEXT NOT NULL,
    materializations INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    at_ms INTEGER,                         -- the latest materialization, down to `seq`
    run TEXT,
    step TEXT,
    row_count INTEGER,
    byte_count INTEGER,                    -- as its metadata says: bytes_read
    data_version TEXT,
    metadata TEXT,                         -- JSON
    stream_id INTEGER,
    stream_ms INTEGER,
    epoch TEXT,
    seq INTEGER,
    failed_at_ms INTEGER,                  -- the latest failure, down to `failed_seq`
    failed_run TEXT,
    failed_error TEXT,                     -- JSON
    failed_stream_ms INTEGER,
    failed_epoch TEXT,
    failed_seq INTEGER,
    PRIMARY KEY (device, asset)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_state_by_asset ON asset_state (asset);

CREATE TABLE check_result (
    device TEXT NOT NULL,
    asset TEXT NOT NULL,
    name TEXT NOT NULL,
    passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
    severity TEXT,
    at_ms INTEGER NOT NULL,
    run TEXT,
    metadata TEXT,                         -- JSON
    stream_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (device, asset, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE tick (
    device TEXT NOT NULL,
    schedule TEXT NOT NULL,
    status TEXT,                           -- started, skipped, failed
    nominal TEXT,
    at_ms INTEGER,
    run TEXT,
    reason TEXT,
    stream_ms INTEGER,
    epoch TEXT,
    seq INTEGER,
    ticks INTEGER NOT NULL DEFAULT 0,      -- how many so far
    started INTEGER NOT NULL DEFAULT 0,    -- of them
    PRIMARY KEY (device, schedule)
) STRICT, WITHOUT ROWID;

-- --- put together ------------------------------------------------------------------------------------------------------

-- Two arms, so that SQLite can look one device or asset up by index in each.
CREATE VIEW device_asset AS
SELECT d.device, d.asset, 1 AS is_defined,
    d.group_name, d.kinds, d.tags, d.owners, d.checks, d.description, d.code_version, d.is_external,
    coalesce(a.materializations, 0) AS materializations, coalesce(a.failures, 0) AS failures,
    a.at_ms, a.run, a.step, a.row_count, a.byte_count, a.data_version, a.metadata, a.stream_id, a.epoch, a.seq,
    a.failed_at_ms, a.failed_run, a.failed_error,
    a.failed_seq IS NOT NULL AND (a.seq IS NULL OR
        (a.failed_stream_ms, a.failed_epoch, a.failed_seq) > (a.stream_ms, a.epoch, a.seq)) AS is_failing
FROM asset_definition d LEFT JOIN asset_state a ON a.device = d.device AND a.asset = d.asset
UNION ALL
SELECT a.device, a.asset, 0,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0,
    a.materializations, a.failures,
    a.at_ms, a.run, a.step, a.row_count, a.byte_count, a.data_version, a.metadata, a.stream_id, a.epoch, a.seq,
    a.failed_at_ms, a.failed_run, a.failed_error,
    a.failed_seq IS NOT NULL AND (a.seq IS NULL OR
        (a.failed_stream_ms, a.failed_epoch, a.failed_seq) > (a.stream_ms, a.epoch, a.seq))
FROM asset_state a
WHERE NOT EXISTS (SELECT 1 FROM asset_definition d WHERE d.device = a.device AND d.asset = a.asset);

CREATE VIEW fleet_asset AS
SELECT asset, sum(is_defined) AS devices, sum(is_failing) AS failing, max(is_external) AS is_external,
    max(group_name) AS group_name, max(kinds) AS kinds, max(description) AS description,
    sum(materializations) AS materializations, sum(row_count) AS row_count, max(at_ms) AS at_ms
FROM device_asset GROUP BY asset;

CREATE VIEW fleet_edge AS
SELECT upstream, downstream, count(*) AS devices, group_concat(device, ' ') AS declared_by
FROM (SELECT upstream, downstream, device FROM edge ORDER BY upstream, downstream, device)
GROUP BY upstream, downstream;

CREATE VIEW device_gap AS
SELECT s.device, count(*) AS gaps, sum(g.seq - g.from_seq + 1) AS lost_events
FROM gap g JOIN stream s ON s.id = g.stream_id GROUP BY s.device;
