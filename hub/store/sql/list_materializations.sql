SELECT device, asset, seq, at_ms, run, row_count, rows_written, byte_count, duration_ms,
    json_extract(event, '$.metadata')
FROM materialization_shown WHERE asset = :asset AND (:device IS NULL OR device = :device)
ORDER BY device, first_at_ms DESC, epoch DESC, seq DESC LIMIT :limit
