SELECT a.device, a.asset, a.is_defined, a.is_external, a.is_failing, a.group_name, a.kinds, a.tags, a.owners, a.checks,
    a.description, a.code_version, a.materializations, a.failures, a.at_ms, a.run, a.row_count, a.byte_count,
    (SELECT t.duration_ms FROM step t WHERE t.stream_id = a.stream_id AND t.run = a.run AND t.step = a.step),
    a.data_version, a.metadata, a.failed_at_ms, a.failed_run, a.failed_error
FROM device_asset a
WHERE (:device IS NULL OR a.device = :device) AND a.asset = :asset
    AND (:failing = 0 OR a.is_failing) AND (a.asset > :after OR (a.asset = :after AND a.device > :after2))
ORDER BY a.asset, a.device LIMIT :limit
