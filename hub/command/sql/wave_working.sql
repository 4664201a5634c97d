SELECT d.device, d.turn_ms, a.status,
    (SELECT max(b.status IN ('requested', 'canceling')) + 2 * max(b.status IN ('completed_failed', 'canceled'))
        FROM backfill b JOIN stream s ON s.id = b.stream_id WHERE b.command = :id AND s.device = d.device)
FROM command_device d
LEFT JOIN command_answer a ON a.command = :id AND a.device = d.device
WHERE d.command = :command AND d.turn = 'working'
