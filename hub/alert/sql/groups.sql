SELECT l.value, count(*) FROM device_label l JOIN device d ON d.id = l.device AND d.status = 'enrolled'
WHERE l.key = :group GROUP BY l.value
