SELECT CAST(id AS TEXT), CASE WHEN resolved_ms IS NOT NULL THEN 'resolved' WHEN told_ms = 0 THEN 'pending' ELSE 'firing' END,
    opened_ms + told_ms + coalesce(resolved_ms, 0) + troubles * 7 + devices
FROM alert ORDER BY id DESC LIMIT :limit
