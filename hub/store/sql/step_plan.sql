INSERT INTO step (stream_id, run, step, asset, status, attempt) VALUES (:stream, :run, :step, :asset, 'waiting', 0)
ON CONFLICT (stream_id, run, step) DO UPDATE SET asset = coalesce(excluded.asset, asset)
