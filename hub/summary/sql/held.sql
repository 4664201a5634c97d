-- Which revision of what is wanted is in force, of those devices of which it is the newest: what it pauses is paused.
SELECT w.device, CASE WHEN t.applied = w.revision THEN w.revision ELSE 0 END
FROM desired_device w LEFT JOIN device_desired t ON t.device = w.device
