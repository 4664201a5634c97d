-- Jobs with their last runs. The page is picked first: joins are of its rows.
WITH n AS (
    SELECT * FROM (SELECT * FROM named_definition
        WHERE :by = 'all' AND kind = 'job' AND (name, device) > (:after, :after2) ORDER BY name, device LIMIT :limit)
    UNION ALL
    SELECT * FROM (SELECT * FROM named_definition
        WHERE :by = 'name' AND kind = 'job' AND name = :name AND device > :after2 AND (:device IS NULL OR device = :device)
        ORDER BY device LIMIT :limit)
    UNION ALL
    SELECT * FROM (SELECT * FROM named_definition
        WHERE :by = 'device' AND device = :device AND kind = 'job' AND name > :after ORDER BY name LIMIT :limit)),
l AS MATERIALIZED (
    SELECT n.*, (SELECT max((SELECT max(r.run) FROM run r WHERE r.stream_id = s.id AND r.job = n.name))
        FROM stream s WHERE s.device = n.device) AS last
    FROM n)
SELECT l.name, l.device, l.assets, l.version, x.body, r.run, r.status, coalesce(r.started_ms, r.enqueued_ms)
FROM l
LEFT JOIN named_text x ON x.version = l.version
LEFT JOIN run r ON r.run = l.last AND r.stream_id IN (SELECT id FROM stream WHERE device = l.device)
ORDER BY l.name, l.device LIMIT :limit
