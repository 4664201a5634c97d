SELECT json_extract(t.body, '$.partitions')
FROM definitions d
JOIN stream s ON s.device = d.device AND s.epoch = d.epoch
JOIN asset_history h ON h.stream_id = s.id AND h.asset = :asset AND h.last_seq = d.seq
JOIN asset_text t ON t.version = h.version
WHERE d.device = :device
