INSERT INTO materialization (stream_id, asset, seq, at_ms, run, step, row_count, byte_count)
VALUES (:stream, :asset, :seq, :at, :run, :step, :rows, :bytes)
