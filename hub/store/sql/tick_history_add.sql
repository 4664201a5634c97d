INSERT OR FAIL INTO tick_history (kind, name, stream_id, seq, at_ms) SELECT c0, c1, c2, c3, c4 FROM given
