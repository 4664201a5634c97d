SELECT device, revision, body, message FROM desired_device
WHERE sent_ms IS NULL AND device > :after AND (message IS NOT NULL OR :has_key) ORDER BY device LIMIT 1
