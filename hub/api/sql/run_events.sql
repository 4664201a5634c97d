SELECT e.id, e.device, e.epoch, e.seq, e.type, e.at_ms, e.received_ms, e.body
FROM run_span r CROSS JOIN event_shown e ON e.stream_id = r.stream_id AND e.seq BETWEEN r.from_seq AND r.to_seq
WHERE r.run = :run AND e.device = :device AND e.seq > :after AND json_extract(e.body, '$.run') = :run
    AND (:step IS NULL OR json_extract(e.body, '$.step') = :step)
ORDER BY e.stream_id, e.seq LIMIT :limit
