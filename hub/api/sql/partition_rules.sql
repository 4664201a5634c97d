-- How the asset is cut up, as most devices define it.
SELECT json_extract(t.body, '$.partitions'), count(*)
FROM asset_history h
JOIN stream s ON s.id = h.stream_id
JOIN definitions d ON d.device = s.device AND d.epoch = s.epoch AND d.seq = h.last_seq
JOIN asset_text t ON t.version = h.version
WHERE h.asset = :asset AND (:device IS NULL OR s.device = :device)
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1
