SELECT d.command, d.part, d.sent, d.sent_ms, c.expires_ms,
    EXISTS (SELECT 1 FROM command_answer a WHERE a.command = c.id AND a.device = d.device)
FROM command_device d JOIN command c ON c.number = d.command
WHERE d.device = :device AND d.is_open = 1 AND d.command > :after AND (c.at_once = 0 OR d.turn IS NOT NULL)
ORDER BY d.command LIMIT :limit
