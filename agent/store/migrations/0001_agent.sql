-- The device's own database: the buffer of events, and what the device knows of its runs and assets (a projection of them).

-- One row: where the event stream stands.
CREATE TABLE buffer (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL CHECK (length(epoch) = 16),
    last_seq INTEGER NOT NULL CHECK (last_seq >= 0),        -- newest recorded
    acked_seq INTEGER NOT NULL CHECK (acked_seq BETWEEN 0 AND last_seq),
    waiting_bytes INTEGER NOT NULL CHECK (waiting_bytes >= 0), -- of the events after acked_seq
    history_bytes INTEGER NOT NULL CHECK (history_bytes >= 0), -- of the acknowledged events still kept
    dropped INTEGER NOT NULL CHECK (dropped >= 0)           -- events given up for the quota, ever
) STRICT;

-- Appended in order, deleted from the front. from_seq > 0: a gap record that stands for from_seq..seq.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    from_seq INTEGER NOT NULL CHECK (from_seq BETWEEN 0 AND seq),
    type TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE run (
    id TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    cause TEXT NOT NULL,
    cause_name TEXT NOT NULL,
    selection TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'started', 'success', 'failure', 'canceled')),
    steps INTEGER NOT NULL,
    created_at INTEGER NOT NULL, -- nanoseconds since 1970, as all times here
    started_at INTEGER,
    ended_at INTEGER,
    error TEXT NOT NULL DEFAULT '',
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX run_open ON run (status) WHERE status IN ('queued', 'started');

CREATE TABLE step (
    run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    asset TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('started', 'success', 'failure', 'skipped', 'up_for_retry')),
    attempt INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE asset (
    key TEXT PRIMARY KEY,
    materialized_at INTEGER,
    materialized_run TEXT,
    materializations INTEGER NOT NULL DEFAULT 0,
    metadata TEXT NOT NULL DEFAULT '{}',
    failed_at INTEGER,
    error TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE TABLE schedule (
    name TEXT PRIMARY KEY,
    nominal INTEGER NOT NULL, -- the last tick that was decided on
    status TEXT NOT NULL,
    run TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
