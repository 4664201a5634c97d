-- What changes an asset of a device.
SELECT e.id, s.device, CASE WHEN e.type <> 'definitions' THEN json_extract(e.body, '$.asset') END
FROM event e JOIN stream s ON s.id = e.stream_id
WHERE e.id > :after AND e.id <= :last
    AND e.type IN ('asset_materialization', 'asset_failed_to_materialize', 'freshness_state_change', 'definitions')
ORDER BY e.id LIMIT :limit
