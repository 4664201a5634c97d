INSERT INTO materialization (stream_id, seq, asset, at_ms, run, step, row_count, rows_written, byte_count)
VALUES (:stream, :seq, :asset, :at, :run, :step, :rows, :written, :bytes)
