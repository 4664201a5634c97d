-- Reads all of gap: losses are few. CROSS JOIN: else SQLite goes through all databases that devices ever had (stream), though only
-- those that are connected are asked about.
SELECT
    (SELECT count(*) FROM connection WHERE is_online = 1),
    (SELECT count(*) FROM device WHERE status IN ('revoked', 'decommissioned')),
    (SELECT count(*) FROM connection WHERE is_online = 0
        AND device NOT IN (SELECT id FROM device WHERE status IN ('revoked', 'decommissioned'))),
    (SELECT count(*) FROM run WHERE status IN ('queued', 'started') AND status <> 'success' AND run >= :recent),
    (SELECT count(*) FROM check_result WHERE passed = 0),
    (SELECT count(*) FROM alert WHERE resolved_ms IS NULL),
    (SELECT count(*) FROM deployment WHERE status IN ('running', 'paused')),
    (SELECT CAST(total(lost_events) AS INTEGER) FROM device_gap),
    (SELECT CAST(total(max(0, c.last_seq - t.merged_seq)) AS INTEGER)
        FROM connection c CROSS JOIN stream t ON t.device = c.device AND t.epoch = c.epoch WHERE c.last_seq IS NOT NULL),
    (SELECT count(*) FROM refusal WHERE at_ms >= :yesterday)
