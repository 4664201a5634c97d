-- What steps said, and what the agent did for them.
SELECT e.id, s.device, s.epoch, e.seq, e.type, e.at_ms, e.received_ms, e.body
FROM event e JOIN stream s ON s.id = e.stream_id
WHERE e.type IN ('log', 'engine_event') AND e.id < :before AND (:step IS NULL OR json_extract(e.body, '$.step') = :step)
    AND (:level IS NULL OR coalesce(json_extract(e.body, '$.level'), 'info') = :level)
ORDER BY e.id DESC LIMIT :limit
