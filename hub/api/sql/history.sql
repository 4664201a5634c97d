SELECT device, asset, seq, at_ms, run, row_count, rows_written, byte_count, duration_ms,
    json_extract(event, '$.metadata'), stream_id, json_extract(event, '$.partition'), json_extract(event, '$.partition_end')
FROM materialization_shown WHERE asset = :asset AND (at_ms, stream_id, seq) < (:at, :stream, :seq)
ORDER BY at_ms DESC, stream_id DESC, seq DESC LIMIT :limit
