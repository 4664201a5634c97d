INSERT INTO cut_off (device, epoch, at_ms, why) VALUES (:device, :epoch, :at, :why)
ON CONFLICT (device, epoch) DO NOTHING
