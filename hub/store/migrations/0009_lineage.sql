-- Definitions as they changed, freshness, and what is kept aside. The views here obey the rules of 0002_views.sql.

-- --- of one stream: derived from the log -------------------------------------------------------------------------------

-- Every set of definitions that came in whole.
CREATE TABLE definitions_history (
    stream_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,                  -- of the part that completed it
    hash TEXT NOT NULL,
    at_ms INTEGER NOT NULL,                -- the device's clock
    PRIMARY KEY (stream_id, seq)
) STRICT, WITHOUT ROWID;

-- Which version of an asset a device had from one set to another. In force at the set N: from_seq <= N <= last_seq.
CREATE TABLE asset_history (
    stream_id INTEGER NOT NULL,
    asset TEXT NOT NULL,
    from_seq INTEGER NOT NULL,             -- of the set that brought it
    last_seq INTEGER NOT NULL,             -- of the last set that still had it
    version TEXT NOT NULL,                 -- asset_text's
    PRIMARY KEY (stream_id, asset, from_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX asset_history_by_asset ON asset_history (asset);

-- --- of all devices: derived from the log ------------------------------------------------------------------------------

-- What devices say of an asset, each text once: devices that say the same have the same version.
CREATE TABLE asset_text (
    version TEXT NOT NULL PRIMARY KEY,     -- the first half of the text's SHA-256, hex
    body TEXT NOT NULL                     -- JSON: docs/reference/protocol.md, "Definitions"
) STRICT, WITHOUT ROWID;

-- --- the latest of a device: derived from the log ----------------------------------------------------------------------

CREATE TABLE asset_freshness (
    device TEXT NOT NULL,
    asset TEXT NOT NULL,
    status TEXT NOT NULL,                  -- unknown, pass, warn, fail, not_applicable: as the device judges
    at_ms INTEGER NOT NULL,
    stream_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (device, asset)
) STRICT, WITHOUT ROWID;

-- --- put together ------------------------------------------------------------------------------------------------------

-- Numbers that devices tell may be any, and a sum that overflows is an error; a real one stops at the largest integer.
DROP VIEW fleet_asset;
CREATE VIEW fleet_asset AS
SELECT asset, sum(is_defined) AS devices, sum(is_failing) AS failing, max(is_external) AS is_external,
    max(group_name) AS group_name, max(kinds) AS kinds, max(description) AS description,
    sum(materializations) AS materializations,
    CAST(sum(CAST(row_count AS REAL)) AS INTEGER) AS row_count, max(at_ms) AS at_ms
FROM device_asset GROUP BY asset;

DROP VIEW device_gap;
CREATE VIEW device_gap AS
SELECT s.device, sum(g.gaps) AS gaps, CAST(total(g.lost_events) AS INTEGER) AS lost_events
FROM (SELECT stream_id, count(*) AS gaps, sum(seq - from_seq + 1) AS lost_events FROM gap GROUP BY stream_id) g
JOIN stream s ON s.id = g.stream_id GROUP BY s.device;

-- --- kept aside: not derived -------------------------------------------------------------------------------------------

-- Batches that say otherwise than the log of the same seq: of a device that was put back to an earlier state, or of a
-- second one with its identity. Bounded: the newest 16 of a device, the newest 256 of all.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device TEXT NOT NULL,
    epoch TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    differs_seq INTEGER NOT NULL,          -- where it was seen to differ
    at_ms INTEGER NOT NULL,                -- when it came, by the hub's clock
    times INTEGER NOT NULL DEFAULT 1,      -- how often it came
    payload BLOB NOT NULL,                 -- as it came
    UNIQUE (device, epoch, first_seq, last_seq)
) STRICT;
CREATE INDEX quarantine_by_device ON quarantine (device, id);
CREATE TRIGGER quarantine_is_bounded AFTER INSERT ON quarantine
BEGIN
    DELETE FROM quarantine WHERE device = new.device AND id <= (
        SELECT id FROM quarantine WHERE device = new.device ORDER BY id DESC LIMIT 1 OFFSET 16);
    DELETE FROM quarantine WHERE id <= (SELECT id FROM quarantine ORDER BY id DESC LIMIT 1 OFFSET 256);
END;

-- Databases of devices that are not listened to, until an operator says so: the newer of two hosts with one identity.
CREATE TABLE cut_off (
    device TEXT NOT NULL,
    epoch TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (device, epoch)
) STRICT, WITHOUT ROWID;
