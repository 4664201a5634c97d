-- Jobs, once for all devices that define the same, with the last run of any of them.
WITH f AS MATERIALIZED (
    SELECT n.name, n.version, count(*) AS devices, min(n.device) AS first, max(n.assets) AS assets,
        max((SELECT max((SELECT max(r.run) FROM run r WHERE r.stream_id = s.id AND r.job = n.name))
            FROM stream s WHERE s.device = n.device)) AS run
    FROM named_definition n
    WHERE n.kind = 'job' AND n.name >= :after AND (n.name, n.version) > (:after, :after2) AND (:name IS NULL OR n.name = :name)
    GROUP BY n.name, n.version ORDER BY n.name, n.version LIMIT :limit)
SELECT f.name, f.version, x.body, f.devices, f.first, f.assets, r.run, r.status, coalesce(r.started_ms, r.enqueued_ms),
    (SELECT s.device FROM stream s WHERE s.id = r.stream_id)
FROM f
LEFT JOIN named_text x ON x.version = f.version
LEFT JOIN run r ON r.run = f.run
GROUP BY f.name, f.version ORDER BY f.name, f.version
