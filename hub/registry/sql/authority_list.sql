SELECT d.id, coalesce(c.is_online, 0), c.authorities, c.authority, coalesce(c.last_seen_ms, 0)
FROM device d LEFT JOIN connection c ON c.device = d.id WHERE d.status = 'enrolled' ORDER BY d.id
