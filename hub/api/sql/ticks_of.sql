-- Of one schedule, sensor or condition: of each device's database the newest, and of those the newest.
SELECT e.id, s.device, s.epoch, e.seq, e.type, e.at_ms, e.received_ms, e.body
FROM stream s
CROSS JOIN tick_history t ON t.kind = :kind AND t.name = :name AND t.stream_id = s.id
    AND t.seq >= coalesce((SELECT o.seq FROM tick_history o CROSS JOIN event x ON x.stream_id = o.stream_id AND x.seq = o.seq
        WHERE o.kind = :kind AND o.name = :name AND o.stream_id = s.id AND x.id < :before
        ORDER BY o.seq DESC LIMIT 1 OFFSET :limit), 0)
CROSS JOIN event e ON e.stream_id = t.stream_id AND e.seq = t.seq
WHERE (:device IS NULL OR s.device = :device) AND e.id < :before
ORDER BY e.id DESC LIMIT :limit
