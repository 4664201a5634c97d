-- Schedules or sensors, once for all devices that define the same.
WITH x AS MATERIALIZED (
    SELECT version, body, CASE WHEN json_extract(body, '$.starts_paused') THEN 'paused' ELSE 'running' END AS begins FROM named_text),
held AS MATERIALIZED (
    SELECT w.device, p.value AS name FROM desired_device w JOIN device_desired t ON t.device = w.device AND t.applied = w.revision,
        json_each(w.body, '$.pauses.' || :kind || 's') p)
SELECT n.name, n.version, x.body, count(*), min(n.device), max(n.device), max(n.assets),
    sum(EXISTS (SELECT 1 FROM held h WHERE h.device = n.device AND h.name IN (n.name, '*'))
        OR coalesce(i.status, x.begins, 'running') = 'paused'),
    max(k.at_ms), sum(k.ticks), sum(k.started), sum(k.status = 'failed')
FROM named_definition n
LEFT JOIN x ON x.version = n.version
LEFT JOIN instigator i ON i.device = n.device AND i.kind = n.kind AND i.name = n.name
LEFT JOIN tick k ON k.device = n.device AND k.kind = n.kind AND k.name = n.name
WHERE n.kind = :kind AND n.name >= :after AND (n.name, n.version) > (:after, :after2) AND (:name IS NULL OR n.name = :name)
GROUP BY n.name, n.version ORDER BY n.name, n.version LIMIT :limit
