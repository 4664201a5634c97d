UPDATE event SET seq = seq - :by,
    from_seq = CASE WHEN from_seq > 0 THEN max(from_seq - :by, 1) ELSE 0 END,
    body = '{"seq":' || (seq - :by) || CASE
        WHEN from_seq > 0 THEN replace(substr(body, instr(body, ',')),
            ',"from":' || from_seq || ',', ',"from":' || max(from_seq - :by, 1) || ',')
        ELSE substr(body, instr(body, ',')) END
WHERE seq > :by
