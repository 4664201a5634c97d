SELECT :name WHERE EXISTS (SELECT 1 FROM device WHERE id = :name) OR EXISTS (SELECT 1 FROM stream WHERE device = :name)
UNION ALL
SELECT id FROM device WHERE display_name = :name
LIMIT 1
