INSERT INTO run_key (sensor, run_key, run) VALUES (:sensor, :run_key, :run)
ON CONFLICT (sensor, run_key) DO NOTHING
