UPDATE asset_history SET last_seq = :seq
WHERE stream_id = :stream AND asset = :asset AND version = :version AND last_seq = :previous
