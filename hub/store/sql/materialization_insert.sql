INSERT OR FAIL INTO materialization (stream_id, seq, asset, at_ms, run, step, row_count, rows_written, byte_count)
SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8 FROM given
