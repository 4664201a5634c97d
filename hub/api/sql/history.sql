SELECT s.device, m.asset, m.seq, m.at_ms, m.run, m.row_count, m.rows_written, m.byte_count,
    (SELECT t.duration_ms FROM step t WHERE t.stream_id = m.stream_id AND t.run = m.run AND t.step = m.step),
    (SELECT json_extract(e.body, '$.metadata') FROM event e WHERE e.stream_id = m.stream_id AND e.seq = m.seq), s.id
FROM stream s CROSS JOIN materialization m ON m.stream_id = s.id
WHERE m.asset = :asset AND (:device IS NULL OR s.device = :device) AND (m.at_ms, s.id, m.seq) < (:at, :stream, :seq)
ORDER BY m.at_ms DESC, s.id DESC, m.seq DESC LIMIT :limit
