-- What lists of a big fleet are found by, and texts that several questions share. Nothing is derived here. JSON is taken apart
-- by who asks: its functions may not be used in a view.

-- Runs that did not go well, and those that have not ended, are few among many.
CREATE INDEX run_not_success ON run (status, run) WHERE status <> 'success';
-- The hours and days of the overview and of reports, from the index alone.
CREATE INDEX run_by_end ON run (ended_ms, status) WHERE ended_ms IS NOT NULL;
-- An asset's newest materializations on all devices.
CREATE INDEX materialization_by_asset ON materialization (asset, at_ms);
-- The order of lists of checks; the key of a row never changes.
CREATE INDEX check_by_asset ON check_result (asset, name);
CREATE INDEX check_failing ON check_result (asset, name) WHERE passed = 0;

-- A run as lists show it.
CREATE VIEW run_shown AS
SELECT s.device, r.run, r.status, r.job, r.cause, r.cause_name, r.selection, r.tags, r.enqueued_ms, r.started_ms, r.ended_ms,
    r.error, r.steps,
    (SELECT count(*) FROM step t WHERE t.stream_id = r.stream_id AND t.run = r.run AND t.status = 'success') AS succeeded,
    (SELECT count(*) FROM step t WHERE t.stream_id = r.stream_id AND t.run = r.run AND t.status = 'failure') AS failed,
    (SELECT count(*) FROM step t WHERE t.stream_id = r.stream_id AND t.run = r.run AND t.status = 'skipped') AS skipped,
    r.stream_id, r.first_seq, r.last_seq
FROM run r JOIN stream s ON s.id = r.stream_id;

-- How fresh assets are that their device defines and has a policy for. The policy is in the text of the version in force,
-- and matters where the device is away only.
CREATE VIEW freshness_shown AS
SELECT f.device, f.asset, f.status, f.at_ms,
    a.failed_seq IS NOT NULL AND (a.seq IS NULL OR
        (a.failed_stream_ms, a.failed_epoch, a.failed_seq) > (a.stream_ms, a.epoch, a.seq)) AS is_failing,
    a.at_ms AS made_ms,
    coalesce(c.is_online, 0) AS is_online, coalesce(c.clock_trusted, 1) AS clock_trusted, c.clock_offset_ms,
    CASE WHEN coalesce(c.is_online, 0) = 0 THEN
        (SELECT t.body
            FROM definitions d JOIN stream s ON s.device = d.device AND s.epoch = d.epoch
            JOIN asset_history h ON h.stream_id = s.id AND h.asset = f.asset AND h.last_seq = d.seq
            JOIN asset_text t ON t.version = h.version
            WHERE d.device = f.device) END AS text
FROM asset_definition n JOIN asset_freshness f ON f.device = n.device AND f.asset = n.asset
LEFT JOIN asset_state a ON a.device = n.device AND a.asset = n.asset
LEFT JOIN connection c ON c.device = n.device
WHERE f.status <> 'not_applicable';

-- A materialization with what its step and its event say besides.
CREATE VIEW materialization_shown AS
SELECT s.device, m.asset, m.seq, m.at_ms, m.run, m.row_count, m.rows_written, m.byte_count,
    (SELECT t.duration_ms FROM step t WHERE t.stream_id = m.stream_id AND t.run = m.run AND t.step = m.step) AS duration_ms,
    (SELECT e.body FROM event e WHERE e.stream_id = m.stream_id AND e.seq = m.seq) AS event,
    m.stream_id, s.first_at_ms, s.epoch
FROM materialization m JOIN stream s ON s.id = m.stream_id;

-- An event of the log with who told it.
CREATE VIEW event_shown AS
SELECT e.id, s.device, s.epoch, e.seq, e.type, e.at_ms, e.received_ms, e.body, e.stream_id
FROM event e JOIN stream s ON s.id = e.stream_id;

-- An asset of a device as counts over the fleet take it. The text matters where the device is away only.
CREATE VIEW device_asset_shown AS
SELECT a.device, a.asset, a.is_defined, a.is_external, a.is_failing, a.group_name, a.kinds, a.tags, a.owners, a.description,
    a.materializations, a.row_count, a.at_ms, a.failed_at_ms,
    CASE WHEN a.is_defined AND f.status <> 'not_applicable' THEN f.status END AS freshness,
    CASE WHEN f.status IS NOT NULL AND coalesce(c.is_online, 0) = 0 THEN
        (SELECT t.body FROM definitions d JOIN stream s ON s.device = d.device AND s.epoch = d.epoch
            JOIN asset_history h ON h.stream_id = s.id AND h.asset = f.asset AND h.last_seq = d.seq
            JOIN asset_text t ON t.version = h.version
            WHERE d.device = f.device) END AS text
FROM device_asset a
LEFT JOIN asset_freshness f ON f.device = a.device AND f.asset = a.asset
LEFT JOIN connection c ON c.device = a.device;

-- How often the views were derived anew: who keeps counts of them begins again.
ALTER TABLE derived ADD COLUMN times INTEGER NOT NULL DEFAULT 0;
