INSERT INTO tick (device, schedule, ticks, started) VALUES (:device, :schedule, 1, :started)
ON CONFLICT (device, schedule) DO UPDATE SET ticks = ticks + 1, started = started + excluded.started
