INSERT OR FAIL INTO check_history (stream_id, seq, asset, name, at_ms, passed, severity, run)
SELECT c0, c1, c2, c3, c4, c5, c6, c7 FROM given
