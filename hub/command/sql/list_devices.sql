SELECT d.device, d.sent, d.sent_ms, d.turn, coalesce(c.is_online, 0), c.last_seen_ms,
    a.status, a.code, a.reason, a.run, a.result, a.at_ms,
    (SELECT max(b.status IN ('requested', 'canceling')) + 2 * max(b.status IN ('completed_failed', 'canceled'))
        FROM backfill b JOIN stream s ON s.id = b.stream_id WHERE b.command = :id AND s.device = d.device)
FROM command_device d
LEFT JOIN connection c ON c.device = d.device
LEFT JOIN command_answer a ON a.command = :id AND a.device = d.device
WHERE d.command = :command ORDER BY d.device
