-- As device_asset_shown, which looks twice at what it is asked about: once for what is defined, and once for what is not any more.
SELECT w.asset, d.device IS NOT NULL, coalesce(d.is_external, 0),
    a.failed_seq IS NOT NULL AND (a.seq IS NULL OR
        (a.failed_stream_ms, a.failed_epoch, a.failed_seq) > (a.stream_ms, a.epoch, a.seq)),
    d.group_name, d.kinds, d.tags, d.owners, d.description, coalesce(a.materializations, 0), a.row_count, a.at_ms, a.failed_at_ms,
    CASE WHEN d.device IS NOT NULL AND f.status <> 'not_applicable' THEN f.status END,
    CASE WHEN f.status IS NOT NULL AND coalesce(c.is_online, 0) = 0 THEN
        (SELECT CAST(json_extract(t.body, '$.freshness.fail_after_ms') AS INTEGER)
            FROM definitions n JOIN stream s ON s.device = n.device AND s.epoch = n.epoch
            JOIN asset_history h ON h.stream_id = s.id AND h.asset = f.asset AND h.last_seq = n.seq
            JOIN asset_text t ON t.version = h.version
            WHERE n.device = w.device) END
FROM (SELECT :device AS device, :asset AS asset) w
LEFT JOIN asset_definition d ON d.device = w.device AND d.asset = w.asset
LEFT JOIN asset_state a ON a.device = w.device AND a.asset = w.asset
LEFT JOIN asset_freshness f ON f.device = w.device AND f.asset = w.asset
LEFT JOIN connection c ON c.device = w.device
WHERE d.device IS NOT NULL OR a.device IS NOT NULL
