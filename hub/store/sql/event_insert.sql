INSERT OR FAIL INTO event (stream_id, seq, from_seq, type, at_ms, received_ms, body)
SELECT c0, c1, c2, c3, c4, c5, c6 FROM given
