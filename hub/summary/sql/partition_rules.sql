-- How devices define an asset to be cut up.
SELECT h.stream_id, s.device, json_extract(t.body, '$.partitions')
FROM asset_history h
JOIN stream s ON s.id = h.stream_id
JOIN definitions d ON d.device = s.device AND d.epoch = s.epoch AND d.seq = h.last_seq
JOIN asset_text t ON t.version = h.version
WHERE h.asset = :asset AND h.stream_id > :after ORDER BY h.stream_id LIMIT :limit
