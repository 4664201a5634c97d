-- From :first to :last, behind :after. With :counts = 0 the caller counts assets itself: those of a page are many.
WITH known (id) AS (
    SELECT id FROM device WHERE id BETWEEN :first AND :last
    UNION SELECT device FROM stream WHERE device BETWEEN :first AND :last AND device <> 'hub'),
open_run (device, runs) AS MATERIALIZED (
    SELECT t.device, count(*) FROM run r JOIN stream t ON t.id = r.stream_id
    WHERE r.status = 'started' AND r.status <> 'success' GROUP BY 1)
SELECT k.id, coalesce(d.status, 'unknown'), coalesce(c.version, s.version, d.version), coalesce(c.board, s.board, d.board),
    coalesce(c.is_online, 0), c.since_ms, c.last_seen_ms, c.offline_reason, c.refusal, c.clock_offset_ms,
    d.enrolled_ms, d.not_after_ms, d.cert_fingerprint,
    (SELECT max(t.received_ms) FROM stream t WHERE t.device = k.id),
    max(0, coalesce(c.last_seq - coalesce((SELECT t.merged_seq FROM stream t WHERE t.device = k.id AND t.epoch = c.epoch), 0),
        0)),
    CASE WHEN :counts THEN (SELECT count(*) FROM asset_definition a WHERE a.device = k.id) END,
    CASE WHEN :counts THEN (SELECT count(*) FROM asset_state a WHERE a.device = k.id AND a.failed_seq IS NOT NULL AND (a.seq IS NULL OR
        (a.failed_stream_ms, a.failed_epoch, a.failed_seq) > (a.stream_ms, a.epoch, a.seq))) END,
    coalesce((SELECT o.runs FROM open_run o WHERE o.device = k.id), 0),
    (SELECT coalesce(sum(t.merged_seq
        - coalesce((SELECT sum(g.seq - g.from_seq + 1) FROM gap g WHERE g.stream_id = t.id), 0)), 0)
        FROM stream t WHERE t.device = k.id),
    (SELECT CAST(total(g.seq - g.from_seq + 1) AS INTEGER) FROM stream t JOIN gap g ON g.stream_id = t.id WHERE t.device = k.id),
    f.hash, f.at_ms, d.display_name, d.status_reason, d.status_ms, d.serial_number,
    (SELECT group_concat(l.key || '=' || l.value, ' ')
        FROM (SELECT key, value FROM device_label WHERE device = k.id ORDER BY key) l)
FROM known k
LEFT JOIN device d ON d.id = k.id
LEFT JOIN connection c ON c.device = k.id
LEFT JOIN device_state s ON s.device = k.id
LEFT JOIN definitions f ON f.device = k.id
WHERE k.id > :after
ORDER BY k.id LIMIT :limit
