SELECT :device WHERE EXISTS (SELECT 1 FROM device WHERE id = :device) OR EXISTS (SELECT 1 FROM stream WHERE device = :device)
UNION ALL
SELECT id FROM device WHERE display_name = :device
LIMIT 1
