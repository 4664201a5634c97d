-- The definitions of an asset that are in force, once for all devices that say the same.
SELECT h.version, t.body, count(*), min(s.device)
FROM asset_history h
JOIN stream s ON s.id = h.stream_id
JOIN definitions d ON d.device = s.device AND d.epoch = s.epoch AND d.seq = h.last_seq
JOIN asset_text t ON t.version = h.version
WHERE h.asset = :asset AND (:device IS NULL OR s.device = :device)
GROUP BY h.version ORDER BY 3 DESC, 1 LIMIT 20
