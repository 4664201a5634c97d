INSERT OR REPLACE INTO asset_history (stream_id, asset, from_seq, last_seq, version)
VALUES (:stream, :asset, :seq, :seq, :version)
