INSERT OR REPLACE INTO definitions_history (stream_id, seq, hash, at_ms) VALUES (:stream, :seq, :hash, :at)
