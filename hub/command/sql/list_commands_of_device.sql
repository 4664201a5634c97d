SELECT c.number, c.id, c.verb, c.args, c.targets, c.key, c.counter, c.issued_ms, c.expires_ms, c.given_ms, c.devices, c.at_once,
    c.patience_ms, c.withdrawn_ms, c.withdrawn_why, c.is_open, c.given_by
FROM command_device d JOIN command c ON c.number = d.command
WHERE d.device = :device AND d.command < :before AND (:verb IS NULL OR c.verb = :verb) ORDER BY d.command DESC LIMIT :limit
