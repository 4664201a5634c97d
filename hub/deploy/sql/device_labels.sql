SELECT d.id, coalesce(c.is_online, 0), l.key, l.value
FROM device d LEFT JOIN connection c ON c.device = d.id LEFT JOIN device_label l ON l.device = d.id
WHERE d.status = 'enrolled' ORDER BY d.id, l.key
