SELECT p.name, p.places, p.lease_ms, h.device, h.wanted, h.granted, h.since_ms, p.is_paused, p.paused_by, p.paused_ms
FROM pool p LEFT JOIN pool_holder h ON h.pool = p.name
ORDER BY p.name, h.since_ms, h.device
