-- Reads all of gap: losses are few, and none is too old to be looked at.
-- What troubles there are now: kind, device, the value of the label that groups, one line.
WITH known AS (
    SELECT d.id, d.enrolled_ms, d.not_after_ms, l.value AS grp, h.body AS health,
        c.is_online, c.last_seen_ms, c.offline_reason, c.clock_trusted, c.clock_offset_ms
    FROM device d
    LEFT JOIN device_label l ON l.device = d.id AND l.key = :group
    LEFT JOIN connection c ON c.device = d.id
    LEFT JOIN device_health h ON h.device = d.id
    WHERE d.status = 'enrolled')
SELECT 'away', id, grp,
    CASE WHEN last_seen_ms IS NULL THEN 'never connected'
        ELSE 'last seen ' || strftime('%Y-%m-%dT%H:%M:%SZ', last_seen_ms / 1000, 'unixepoch')
            || coalesce(': ' || nullif(offline_reason, ''), '') END
FROM known WHERE coalesce(is_online, 0) = 0 AND :now - coalesce(last_seen_ms, enrolled_ms) > :away
UNION ALL
-- In these two the few rows come first, which an index holds alone (migration 0021), whatever the planner thinks.
SELECT 'failing', k.id, k.grp,
    a.asset || coalesce(': ' || CASE WHEN json_valid(a.failed_error) THEN json_extract(a.failed_error, '$.message') END, '')
FROM asset_state a CROSS JOIN asset_definition n ON n.device = a.device AND n.asset = a.asset CROSS JOIN known k ON k.id = a.device
WHERE a.failed_seq IS NOT NULL AND (a.seq IS NULL OR
    (a.failed_stream_ms, a.failed_epoch, a.failed_seq) > (a.stream_ms, a.epoch, a.seq))
UNION ALL
SELECT 'late', k.id, k.grp, f.asset || ' is not as fresh as its policy asks'
FROM asset_freshness f CROSS JOIN asset_definition n ON n.device = f.device AND n.asset = f.asset CROSS JOIN known k ON k.id = f.device
WHERE f.status = 'fail' AND NOT EXISTS (
    SELECT 1 FROM asset_state a WHERE a.device = f.device AND a.asset = f.asset AND a.failed_seq IS NOT NULL AND (a.seq IS NULL OR
        (a.failed_stream_ms, a.failed_epoch, a.failed_seq) > (a.stream_ms, a.epoch, a.seq)))
UNION ALL
SELECT 'buffer', id, grp,
    printf('%d %% of the buffer is taken', json_extract(health, '$.buffer_bytes') * 100 / json_extract(health, '$.buffer_quota_bytes'))
FROM known WHERE json_extract(health, '$.buffer_quota_bytes') > 0
    AND json_extract(health, '$.buffer_bytes') >= json_extract(health, '$.buffer_quota_bytes') / 100.0 * 80
UNION ALL
SELECT 'disk', id, grp,
    printf('%d %% of the disk is free', json_extract(health, '$.disk_free_bytes') * 100 / json_extract(health, '$.disk_total_bytes'))
FROM known WHERE json_extract(health, '$.disk_total_bytes') > 0
    AND json_extract(health, '$.disk_free_bytes') < json_extract(health, '$.disk_total_bytes') / 10
UNION ALL
SELECT 'certificate', id, grp,
    CASE WHEN not_after_ms <= :now THEN 'expired ' ELSE 'expires ' END
        || strftime('%Y-%m-%dT%H:%M:%SZ', not_after_ms / 1000, 'unixepoch')
FROM known WHERE not_after_ms - :now < min(:certificate, (not_after_ms - enrolled_ms) / 6)
UNION ALL
SELECT 'definitions', id, grp, json_extract(health, '$.definitions_refused')
FROM known WHERE json_type(health, '$.definitions_refused') = 'text'
UNION ALL
SELECT 'lost', k.id, k.grp, printf('%d events were given up: %s', g.seq - g.from_seq + 1, coalesce(g.reason, 'no reason told'))
FROM gap g CROSS JOIN event e ON e.stream_id = g.stream_id AND e.seq = g.seq
    JOIN stream s ON s.id = g.stream_id JOIN known k ON k.id = s.device
WHERE e.received_ms > :now - 86400000
UNION ALL
SELECT 'clock', id, grp,
    CASE WHEN clock_trusted = 0 THEN 'the clock is not set'
        ELSE printf('the clock is %d s off', abs(clock_offset_ms) / 1000) END
FROM known WHERE is_online = 1 AND (clock_trusted = 0 OR abs(clock_offset_ms) > 60000)
LIMIT 100001
