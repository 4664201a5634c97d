INSERT INTO materialization (stream_id, seq, asset, at_ms, run, step, row_count, byte_count)
VALUES (:stream, :seq, :asset, :at, :run, :step, :rows, :bytes)
