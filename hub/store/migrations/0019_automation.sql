-- Jobs, schedules and sensors as devices define them, partitions, backfills, and what was decided on. The views here obey
-- the rules of 0002_views.sql.

-- --- of all devices: derived from the log ------------------------------------------------------------------------------

-- What devices say of a job, a schedule or a sensor, each text once: devices that say the same have the same version.
CREATE TABLE named_text (
    version TEXT NOT NULL PRIMARY KEY,     -- the first half of the text's SHA-256, hex
    body TEXT NOT NULL                     -- JSON: docs/reference/protocol.md, "Definitions"
) STRICT, WITHOUT ROWID;

-- --- the latest of a device: derived from the log ----------------------------------------------------------------------

CREATE TABLE named_definition (
    kind TEXT NOT NULL,                    -- job, schedule, sensor
    name TEXT NOT NULL,
    device TEXT NOT NULL,
    version TEXT NOT NULL,                 -- named_text's; empty: an agent that tells their names only, with the assets
    assets INTEGER NOT NULL,               -- how many it is about
    PRIMARY KEY (kind, name, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX named_definition_of_device ON named_definition (device);

-- Whether somebody paused or resumed a schedule or a sensor. The answer to "automation" too.
CREATE TABLE instigator (
    device TEXT NOT NULL,
    kind TEXT NOT NULL,                    -- schedule, sensor, automation
    name TEXT NOT NULL,
    status TEXT,                           -- running, paused; NULL: as its definition says
    reason TEXT,
    at_ms INTEGER NOT NULL,
    stream_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (device, kind, name)
) STRICT, WITHOUT ROWID;

-- In place of that of 0002: of sensors and conditions, too.
DROP TABLE tick;
CREATE TABLE tick (
    device TEXT NOT NULL,
    kind TEXT NOT NULL,                    -- schedule, sensor, automation
    name TEXT NOT NULL,
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
    PRIMARY KEY (device, kind, name)
) STRICT, WITHOUT ROWID;

-- What was last made of the partitions of an asset, as it was told: of one, or of a range. Of partitions that overlap, the
-- latest by (stream_ms, epoch, seq) counts.
CREATE TABLE asset_partition (
    asset TEXT NOT NULL,
    device TEXT NOT NULL,
    first TEXT NOT NULL,
    last TEXT NOT NULL,                    -- the first again: it is one
    is_made INTEGER NOT NULL CHECK (is_made IN (0, 1)), -- else making it failed
    at_ms INTEGER NOT NULL,
    run TEXT,
    stream_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (asset, device, first, last)
) STRICT, WITHOUT ROWID;

-- Keys of dynamic partitions. A row stays when the key is deleted.
CREATE TABLE dynamic_partition (
    device TEXT NOT NULL,
    set_name TEXT NOT NULL,
    key TEXT NOT NULL,
    is_there INTEGER NOT NULL CHECK (is_there IN (0, 1)),
    stream_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (device, set_name, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX dynamic_partition_of ON dynamic_partition (set_name);

-- When an asset was last seen, and with which data version: of an external one that is what it is made as.
CREATE TABLE asset_observed (
    device TEXT NOT NULL,
    asset TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    data_version TEXT,
    stream_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (device, asset)
) STRICT, WITHOUT ROWID;

-- --- of one stream: derived from the log -------------------------------------------------------------------------------

-- Where in the log the ticks of a schedule, a sensor or a condition stand: by time, also those of one device alone.
CREATE TABLE tick_history (
    stream_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (stream_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX tick_history_by_time ON tick_history (kind, name, at_ms);

-- Every evaluation of a check. What it found besides stands in the event.
CREATE TABLE check_history (
    stream_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    asset TEXT NOT NULL,
    name TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
    severity TEXT,
    run TEXT,
    PRIMARY KEY (stream_id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_history_of ON check_history (asset, stream_id, at_ms);
CREATE INDEX materialization_of ON materialization (asset, stream_id, at_ms);

ALTER TABLE run ADD COLUMN backfill TEXT;  -- that asked for it
ALTER TABLE run ADD COLUMN partition TEXT; -- of a range the first
ALTER TABLE run ADD COLUMN partition_end TEXT;
ALTER TABLE run ADD COLUMN partitions INTEGER; -- how many of a backfill it makes
CREATE INDEX run_of_backfill ON run (backfill) WHERE backfill IS NOT NULL;
CREATE INDEX run_of_job ON run (stream_id, job, run) WHERE job IS NOT NULL;

ALTER TABLE backfill ADD COLUMN partitions INTEGER; -- how many it is to make
ALTER TABLE backfill ADD COLUMN first TEXT;
ALTER TABLE backfill ADD COLUMN last TEXT;
ALTER TABLE backfill ADD COLUMN per_run INTEGER;    -- 0: as many as there are
ALTER TABLE backfill ADD COLUMN parent TEXT;        -- that must succeed first
ALTER TABLE backfill ADD COLUMN begun_ms INTEGER;
CREATE INDEX backfill_by_time ON backfill (at_ms);

CREATE INDEX step_of_asset ON step (asset, run) WHERE asset IS NOT NULL;
-- What does not go well is found by its run (run_not_success): an index of such steps, most of which are in it for a moment,
-- took a seventh of the time of a merge.

-- --- the log -----------------------------------------------------------------------------------------------------------

CREATE INDEX event_log ON event (id) WHERE type IN ('log', 'engine_event');
CREATE INDEX event_log_of ON event (stream_id, id) WHERE type IN ('log', 'engine_event');
DROP INDEX event_instigator;               -- its table is kept now
