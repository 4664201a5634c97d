-- Which they are is found first: what they show is then read of those alone.
SELECT device, asset, seq, at_ms, run, row_count, rows_written, byte_count, duration_ms,
    json_extract(event, '$.metadata'), stream_id, json_extract(event, '$.partition'), json_extract(event, '$.partition_end')
FROM materialization_shown WHERE (stream_id, seq) IN (
    SELECT m.stream_id, m.seq FROM stream s CROSS JOIN materialization m ON m.asset = :asset AND m.stream_id = s.id AND m.at_ms <= :at
    WHERE s.device = :device AND (m.at_ms, m.stream_id, m.seq) < (:at, :stream, :seq)
    ORDER BY m.at_ms DESC, m.stream_id DESC, m.seq DESC LIMIT :limit)
ORDER BY at_ms DESC, stream_id DESC, seq DESC
