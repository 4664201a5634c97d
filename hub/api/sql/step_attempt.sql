-- The newest attempt of a step; where the hub knows of no such attempt, the newest whose output it was told of.
SELECT coalesce(t.attempt, 0), r.is_open AND t.status IS 'started', (SELECT c.is_online FROM connection c WHERE c.device = :device),
    CASE WHEN coalesce(t.attempt, 0) < max(:given, 1) THEN (
        SELECT max(json_extract(e.body, '$.attempt')) FROM event e
        WHERE e.stream_id = r.stream_id AND e.seq BETWEEN r.from_seq AND r.to_seq AND e.type = 'logs_captured'
            AND json_extract(e.body, '$.run') = :run AND json_extract(e.body, '$.step') = :step) END,
    r.has_lost
FROM stream s JOIN run_span r ON r.stream_id = s.id AND r.run = :run
LEFT JOIN step t ON t.stream_id = r.stream_id AND t.run = r.run AND t.step = :step
WHERE s.device = :device ORDER BY t.attempt DESC LIMIT 1
