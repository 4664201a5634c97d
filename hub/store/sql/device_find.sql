SELECT id FROM (SELECT id, display_name FROM device UNION SELECT device, NULL FROM stream)
WHERE id = :device OR display_name = :device ORDER BY id = :device DESC LIMIT 1
