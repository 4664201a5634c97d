INSERT INTO device_state (device, starts, clock_steps) VALUES (:device, :starts, :clock_steps)
ON CONFLICT (device) DO UPDATE SET starts = starts + excluded.starts, clock_steps = clock_steps + excluded.clock_steps
