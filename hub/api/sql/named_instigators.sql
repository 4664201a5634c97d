-- Schedules or sensors, with what was done to them and what they decided last. The page is picked first: joins are of its rows.
WITH n AS (
    SELECT * FROM (SELECT * FROM named_definition
        WHERE :by = 'all' AND kind = :kind AND (name, device) > (:after, :after2) ORDER BY name, device LIMIT :limit)
    UNION ALL
    SELECT * FROM (SELECT * FROM named_definition
        WHERE :by = 'name' AND kind = :kind AND name = :name AND device > :after2 AND (:device IS NULL OR device = :device)
        ORDER BY device LIMIT :limit)
    UNION ALL
    SELECT * FROM (SELECT * FROM named_definition
        WHERE :by = 'device' AND device = :device AND kind = :kind AND name > :after ORDER BY name LIMIT :limit))
SELECT n.name, n.device, n.assets, n.version, x.body, i.status, i.reason, i.at_ms,
    EXISTS (SELECT 1 FROM desired_device w JOIN device_desired t ON t.device = w.device AND t.applied = w.revision,
        json_each(w.body, '$.pauses.' || n.kind || 's') p WHERE w.device = n.device AND p.value IN (n.name, '*')),
    k.status, k.nominal, k.at_ms, k.run, k.reason, k.ticks, k.started, i.command, c.given_by
FROM n
LEFT JOIN named_text x ON x.version = n.version
LEFT JOIN instigator i ON i.device = n.device AND i.kind = n.kind AND i.name = n.name
LEFT JOIN command c ON c.id = i.command
LEFT JOIN tick k ON k.device = n.device AND k.kind = n.kind AND k.name = n.name
ORDER BY n.name, n.device LIMIT :limit
