-- Schedules or sensors, once for all devices that define the same. What their text says is looked at when they are folded: of those
-- that nobody paused or resumed it says how they are.
WITH held AS MATERIALIZED (
    SELECT w.device, p.value AS name FROM desired_device w JOIN device_desired t ON t.device = w.device AND t.applied = w.revision,
        json_each(w.body, '$.pauses.' || :kind || 's') p),
f AS MATERIALIZED (
    SELECT n.name, n.version, count(*) AS devices, min(n.device) AS first, max(n.device) AS last, max(n.assets) AS assets,
        sum((n.device, n.name) IN (SELECT device, name FROM held) OR (n.device, '*') IN (SELECT device, name FROM held)
            OR (i.status IS NOT NULL AND i.status = 'paused')) AS paused,
        sum((n.device, n.name) NOT IN (SELECT device, name FROM held) AND (n.device, '*') NOT IN (SELECT device, name FROM held)
            AND i.status IS NULL) AS untouched,
        max(k.at_ms) AS at_ms, sum(k.ticks) AS ticks, sum(k.started) AS started, sum(k.status = 'failed') AS failed
    FROM named_definition n
    LEFT JOIN instigator i ON i.device = n.device AND i.kind = n.kind AND i.name = n.name
    LEFT JOIN tick k ON k.device = n.device AND k.kind = n.kind AND k.name = n.name
    WHERE n.kind = :kind AND n.name >= :after AND (n.name, n.version) > (:after, :after2) AND (:name IS NULL OR n.name = :name)
    GROUP BY n.name, n.version ORDER BY n.name, n.version LIMIT :limit)
SELECT f.name, f.version, x.body, f.devices, f.first, f.last, f.assets,
    f.paused + CASE WHEN json_extract(x.body, '$.starts_paused') THEN f.untouched ELSE 0 END,
    f.at_ms, f.ticks, f.started, f.failed
FROM f LEFT JOIN named_text x ON x.version = f.version ORDER BY f.name, f.version
