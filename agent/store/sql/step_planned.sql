INSERT INTO step (run, step, asset, status, attempt) VALUES (:run, :step, :asset, 'waiting', 0)
ON CONFLICT (run, step) DO NOTHING
