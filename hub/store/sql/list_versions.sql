-- Of each device the set in force at :at, by its own clock; without :at the newest.
WITH in_force AS (
    SELECT device, stream_id, seq, at_ms FROM (
        SELECT s.device, d.stream_id, d.seq, d.at_ms,
            row_number() OVER (PARTITION BY s.device ORDER BY s.first_at_ms DESC, s.epoch DESC, d.seq DESC) AS place
        FROM stream s JOIN definitions_history d ON d.stream_id = s.id
        WHERE (:device IS NULL OR s.device = :device) AND (:at IS NULL OR d.at_ms <= :at))
    WHERE place = 1)
SELECT a.asset, a.version, f.device,
    (SELECT d.at_ms FROM definitions_history d WHERE d.stream_id = a.stream_id AND d.seq = a.from_seq),
    (SELECT l.value FROM device_label l WHERE l.device = f.device AND l.key = 'site')
FROM in_force f JOIN asset_history a ON a.stream_id = f.stream_id AND a.from_seq <= f.seq AND a.last_seq >= f.seq
ORDER BY a.asset, a.version, f.device
