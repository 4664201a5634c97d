SELECT r.body FROM device_desired t
JOIN desired_revision r ON r.device = t.device AND r.revision = t.applied AND (t.hash IS NULL OR r.hash = t.hash)
WHERE t.device = :device
