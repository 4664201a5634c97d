WITH known (id) AS (SELECT id FROM device UNION SELECT device FROM stream)
SELECT id FROM known WHERE id = :name UNION ALL SELECT id FROM device WHERE display_name = :name LIMIT 1
