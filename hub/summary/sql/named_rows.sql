-- A device's schedules and sensors: what was done to them, and what they decided.
SELECT n.kind, n.name, n.version, n.assets,
    EXISTS (SELECT 1 FROM desired_device w JOIN device_desired t ON t.device = w.device AND t.applied = w.revision,
        json_each(w.body, '$.pauses.' || n.kind || 's') p WHERE w.device = n.device AND p.value IN (n.name, '*')),
    i.status, k.at_ms, k.ticks, k.started, k.status
FROM named_definition n
LEFT JOIN instigator i ON i.device = n.device AND i.kind = n.kind AND i.name = n.name
LEFT JOIN tick k ON k.device = n.device AND k.kind = n.kind AND k.name = n.name
WHERE n.device = :device AND n.kind IN ('schedule', 'sensor')
