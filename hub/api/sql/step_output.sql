-- How many bytes an attempt of a step that is over wrote to one of the two streams.
SELECT json_extract(e.body, CASE WHEN :is_error THEN '$.metadata.stderr_bytes.raw_value' ELSE '$.metadata.stdout_bytes.raw_value' END)
FROM stream s JOIN run_span r ON r.stream_id = s.id AND r.run = :run
CROSS JOIN event e ON e.stream_id = r.stream_id AND e.seq BETWEEN r.from_seq AND r.to_seq
WHERE s.device = :device AND e.type = 'logs_captured' AND json_extract(e.body, '$.run') = :run
    AND json_extract(e.body, '$.step') = :step AND json_extract(e.body, '$.attempt') = :attempt LIMIT 1
