INSERT INTO tick (device, kind, name, ticks, started) VALUES (:device, :kind, :name, :ticks, :started)
ON CONFLICT (device, kind, name) DO UPDATE SET ticks = ticks + excluded.ticks, started = started + excluded.started
