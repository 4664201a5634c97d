WITH text (version, name) AS MATERIALIZED (
    SELECT t.version, j.value FROM asset_text t, json_each(t.body, '$.sensors') j),
in_force (device, stream_id, seq) AS (
    SELECT d.device, s.id, d.seq FROM definitions d JOIN stream s ON s.device = d.device AND s.epoch = d.epoch
    WHERE :device IS NULL OR d.device = :device)
SELECT t.name, f.device, count(*) FROM in_force f
CROSS JOIN asset_history h ON h.stream_id = f.stream_id AND h.last_seq = f.seq
CROSS JOIN text t ON t.version = h.version
GROUP BY 1, 2 ORDER BY 1, 2
