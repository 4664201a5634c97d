SELECT coalesce(d.revision, 0), coalesce(d.content_hash, ''), coalesce(d.body, ''), coalesce(d.hash, ''),
    coalesce(d.conflicts, ''), d.message IS NOT NULL, coalesce(d.issued_ms, 0), d.sent_ms,
    coalesce(t.revision, 0), coalesce(t.status, ''), coalesce(t.reason, ''), coalesce(t.applied, 0), coalesce(t.hash, ''),
    coalesce(t.at_ms, 0), coalesce(s.revision, 0), k.device
FROM (SELECT device FROM desired_device UNION SELECT device FROM device_desired) k
LEFT JOIN desired_device d ON d.device = k.device
LEFT JOIN device_desired t ON t.device = k.device
LEFT JOIN desired_seen s ON s.device = k.device
ORDER BY k.device
