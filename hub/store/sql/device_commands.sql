SELECT c.id, c.verb, coalesce(a.status, CASE d.sent WHEN 0 THEN 'waiting' ELSE 'sent' END), c.given_ms, c.expires_ms, d.sent
FROM command_device d JOIN command c ON c.number = d.command LEFT JOIN command_answer a ON a.command = c.id AND a.device = d.device
WHERE d.device = :device AND c.withdrawn_ms IS NULL
    AND CASE WHEN a.status IS NULL THEN d.is_open = 1 ELSE a.status IN ('received', 'started') END ORDER BY c.number DESC LIMIT 100
