-- Reads all of stream: devices that nobody enrolled have labels, too; when an expression is taken apart.
WITH known (id) AS (SELECT id FROM device UNION SELECT device FROM stream)
SELECT k.id, d.display_name, coalesce(c.is_online, 0), l.key, l.value
FROM known k
LEFT JOIN device d ON d.id = k.id
LEFT JOIN connection c ON c.device = k.id
LEFT JOIN device_label l ON l.device = k.id
WHERE coalesce(d.status, 'enrolled') IN ('enrolled', 'replacing')
ORDER BY k.id, l.key
