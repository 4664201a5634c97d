-- Which devices the page shows is found first, from indexes alone; as device_asset, which cannot be asked of those only.
SELECT p.device, :asset, d.device IS NOT NULL, coalesce(d.is_external, 0),
    a.failed_seq IS NOT NULL AND (a.seq IS NULL OR
        (a.failed_stream_ms, a.failed_epoch, a.failed_seq) > (a.stream_ms, a.epoch, a.seq)),
    d.group_name, d.kinds, d.tags, d.owners, d.checks,
    d.description, d.code_version, coalesce(a.materializations, 0), coalesce(a.failures, 0), a.at_ms, a.run, a.row_count, a.byte_count,
    (SELECT t.duration_ms FROM step t WHERE t.stream_id = a.stream_id AND t.run = a.run AND t.step = a.step),
    a.data_version, a.metadata, a.failed_at_ms, a.failed_run, a.failed_error
FROM (
    SELECT device FROM asset_definition WHERE :failing = 0 AND asset = :asset AND device > :after2 AND device BETWEEN :first AND :last
    UNION
    SELECT device FROM asset_state WHERE :failing = 0 AND asset = :asset AND device > :after2 AND device BETWEEN :first AND :last
    UNION
    SELECT device FROM asset_state WHERE :failing = 1 AND asset = :asset AND device > :after2 AND device BETWEEN :first AND :last
        AND failed_seq IS NOT NULL AND (seq IS NULL OR (failed_stream_ms, failed_epoch, failed_seq) > (stream_ms, epoch, seq))
    ORDER BY 1 LIMIT :limit) p
LEFT JOIN asset_definition d ON d.device = p.device AND d.asset = :asset
LEFT JOIN asset_state a ON a.device = p.device AND a.asset = :asset
ORDER BY p.device
