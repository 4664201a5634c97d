SELECT e.at_ms, json_extract(e.body, '$.buffer_events'), json_extract(e.body, '$.buffer_bytes'),
    json_extract(e.body, '$.buffer_quota_bytes'), json_extract(e.body, '$.disk_free_bytes')
FROM stream s JOIN event e ON e.stream_id = s.id AND e.type = 'device_health'
WHERE s.device = :device AND e.at_ms BETWEEN :since AND :until ORDER BY e.at_ms DESC LIMIT :limit
