SELECT k.id, coalesce(c.is_online, 0), coalesce(c.since_ms, 0) + 31 * coalesce(d.status_ms, 0) + 7 * coalesce(d.not_after_ms, 0)
    + (SELECT coalesce(sum(length(l.key || l.value) + unicode(l.value) * 131), 0) FROM device_label l WHERE l.device = k.id)
FROM (SELECT id FROM device UNION SELECT device FROM connection) k
LEFT JOIN connection c ON c.device = k.id LEFT JOIN device d ON d.id = k.id LIMIT :limit
