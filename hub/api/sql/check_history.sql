-- Of each device's database the newest, and of those the newest.
SELECT s.device, c.name, c.passed, c.severity, c.at_ms, c.run, json_extract(e.body, '$.metadata'), c.stream_id, c.seq
FROM stream s
CROSS JOIN check_history c ON c.asset = :asset AND c.stream_id = s.id AND c.at_ms <= :at
    AND c.at_ms >= coalesce((SELECT o.at_ms FROM check_history o
        WHERE o.asset = :asset AND o.stream_id = s.id AND o.at_ms <= :at AND (:name IS NULL OR o.name = :name)
            AND (o.at_ms, o.stream_id, o.seq) < (:at, :stream, :seq)
        ORDER BY o.at_ms DESC LIMIT 1 OFFSET :limit), -9e18)
LEFT JOIN event e ON e.stream_id = c.stream_id AND e.seq = c.seq
WHERE (:device IS NULL OR s.device = :device) AND (:name IS NULL OR c.name = :name)
    AND (c.at_ms, c.stream_id, c.seq) < (:at, :stream, :seq)
ORDER BY c.at_ms DESC, c.stream_id DESC, c.seq DESC LIMIT :limit
