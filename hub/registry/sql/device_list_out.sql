SELECT id FROM device WHERE status IN ('revoked', 'decommissioned') ORDER BY id
