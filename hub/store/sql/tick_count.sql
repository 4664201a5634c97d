INSERT INTO tick (device, schedule, ticks, started) VALUES (:device, :schedule, :ticks, :started)
ON CONFLICT (device, schedule) DO UPDATE SET ticks = ticks + excluded.ticks, started = started + excluded.started
