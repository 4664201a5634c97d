-- Of assets that their device defines and has a policy for. The policy is in the text of the version in force, and matters
-- where the device is away only.
SELECT f.device, f.asset, f.status, f.at_ms,
    a.failed_seq IS NOT NULL AND (a.seq IS NULL OR
        (a.failed_stream_ms, a.failed_epoch, a.failed_seq) > (a.stream_ms, a.epoch, a.seq)), a.at_ms,
    coalesce(c.is_online, 0), coalesce(c.clock_trusted, 1), c.clock_offset_ms,
    CASE WHEN coalesce(c.is_online, 0) = 0 THEN
        (SELECT CAST(json_extract(t.body, '$.freshness.fail_after_ms') AS INTEGER)
            FROM definitions d JOIN stream s ON s.device = d.device AND s.epoch = d.epoch
            JOIN asset_history h ON h.stream_id = s.id AND h.asset = f.asset AND h.last_seq = d.seq
            JOIN asset_text t ON t.version = h.version
            WHERE d.device = f.device) END
FROM asset_freshness f
JOIN asset_definition n ON n.device = f.device AND n.asset = f.asset
LEFT JOIN asset_state a ON a.device = f.device AND a.asset = f.asset
LEFT JOIN connection c ON c.device = f.device
WHERE f.status <> 'not_applicable' AND f.device = :device AND (:asset IS NULL OR f.asset = :asset)
ORDER BY f.asset, f.device
