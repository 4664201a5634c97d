SELECT e.id, s.device, s.epoch, e.seq, e.type, e.at_ms, e.received_ms, e.body
FROM run_span r JOIN stream s ON s.id = r.stream_id
CROSS JOIN event e ON e.stream_id = r.stream_id AND e.seq BETWEEN r.from_seq AND r.to_seq
WHERE r.run = :run AND (:device IS NULL OR s.device = :device) AND e.type IN ('log', 'engine_event')
    AND json_extract(e.body, '$.run') = :run AND e.id < :before AND (:step IS NULL OR json_extract(e.body, '$.step') = :step)
    AND (:level IS NULL OR coalesce(json_extract(e.body, '$.level'), 'info') = :level)
ORDER BY e.id DESC LIMIT :limit
