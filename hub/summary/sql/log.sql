-- What changes an asset of a device, and where they are followed what changes partitions, or a schedule or a sensor.
SELECT e.id, s.device, e.type,
    CASE WHEN e.type IN ('asset_materialization', 'asset_failed_to_materialize', 'freshness_state_change')
        THEN json_extract(e.body, '$.asset') END,
    CASE WHEN :with_partitions AND e.type IN ('asset_materialization', 'asset_failed_to_materialize')
        THEN json_extract(e.body, '$.partition') END,
    CASE WHEN :with_partitions AND e.type IN ('asset_materialization', 'asset_failed_to_materialize')
        THEN json_extract(e.body, '$.partition_end') END
FROM event e JOIN stream s ON s.id = e.stream_id
WHERE e.id > :after AND e.id <= :last
    AND (e.type IN ('asset_materialization', 'asset_failed_to_materialize', 'freshness_state_change', 'definitions')
        OR (:with_partitions AND e.type = 'dynamic_partitions')
        OR (:with_named AND e.type IN ('tick', 'instigator', 'desired')))
ORDER BY e.id LIMIT :limit
