-- All that the staleness of an asset on a device comes from: its definition, its last materialization, its last observation.
SELECT n.code_version, coalesce(n.is_external, 0), json_extract(t.body, '$.partitions.kind'), json_extract(t.body, '$.freshness'),
    a.at_ms, a.data_version, e.body, o.at_ms, o.data_version,
    a.seq IS NULL OR (o.stream_ms, o.epoch, o.seq) > (a.stream_ms, a.epoch, a.seq)
FROM (SELECT :device AS device, :asset AS asset) w
LEFT JOIN asset_definition n ON n.device = w.device AND n.asset = w.asset
LEFT JOIN asset_state a ON a.device = w.device AND a.asset = w.asset
LEFT JOIN event e ON e.stream_id = a.stream_id AND e.seq = a.seq
LEFT JOIN asset_observed o ON o.device = w.device AND o.asset = w.asset
LEFT JOIN definitions d ON d.device = w.device
LEFT JOIN stream s ON s.device = d.device AND s.epoch = d.epoch
LEFT JOIN asset_history h ON h.stream_id = s.id AND h.asset = w.asset AND h.last_seq = d.seq
LEFT JOIN asset_text t ON t.version = h.version
