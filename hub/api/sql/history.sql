-- Of each device's database the newest, and of those the newest.
SELECT s.device, m.asset, m.seq, m.at_ms, m.run, m.row_count, m.rows_written, m.byte_count,
    (SELECT t.duration_ms FROM step t WHERE t.stream_id = m.stream_id AND t.run = m.run AND t.step = m.step),
    json_extract(e.body, '$.metadata'), s.id, json_extract(e.body, '$.partition'), json_extract(e.body, '$.partition_end')
FROM stream s
CROSS JOIN materialization m ON m.asset = :asset AND m.stream_id = s.id AND m.at_ms <= :at
    AND m.at_ms >= coalesce((SELECT o.at_ms FROM materialization o
        WHERE o.asset = :asset AND o.stream_id = s.id AND o.at_ms <= :at AND (o.at_ms, o.stream_id, o.seq) < (:at, :stream, :seq)
        ORDER BY o.at_ms DESC LIMIT 1 OFFSET :limit), -9e18)
LEFT JOIN event e ON e.stream_id = m.stream_id AND e.seq = m.seq
WHERE (:device IS NULL OR s.device = :device) AND (m.at_ms, s.id, m.seq) < (:at, :stream, :seq)
ORDER BY m.at_ms DESC, s.id DESC, m.seq DESC LIMIT :limit
