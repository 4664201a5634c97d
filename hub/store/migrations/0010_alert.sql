-- What devices measure of themselves, alerts, and who is still to be told of them.

-- A view of the log: the latest of each device.
CREATE TABLE device_health (
    device TEXT NOT NULL PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    stream_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    body TEXT NOT NULL                     -- the event
) STRICT, WITHOUT ROWID;

-- Open ones, and those that are over for a while.
CREATE TABLE alert (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    is_group INTEGER NOT NULL CHECK (is_group IN (0, 1)),
    subject TEXT NOT NULL,                 -- a device, or the value of the label that groups
    opened_ms INTEGER NOT NULL,
    told_ms INTEGER NOT NULL,              -- last; 0 = nobody was told yet
    resolved_ms INTEGER,
    devices INTEGER NOT NULL,
    troubles INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX alert_open ON alert (kind, is_group, subject) WHERE resolved_ms IS NULL;
CREATE INDEX alert_resolved ON alert (resolved_ms) WHERE resolved_ms IS NOT NULL;

-- One for each way of telling; gone when it was told.
CREATE TABLE alert_message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    way TEXT NOT NULL CHECK (way IN ('command', 'webhook', 'mqtt')),
    payload TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_ms INTEGER NOT NULL,
    error TEXT
) STRICT;
CREATE INDEX alert_message_next ON alert_message (way, next_ms);

CREATE TABLE alert_silence (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    targets TEXT NOT NULL,                 -- hub/fleet/targets.h
    kind TEXT,                             -- NULL = all
    created_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    reason TEXT
) STRICT;
