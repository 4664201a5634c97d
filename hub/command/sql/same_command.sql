SELECT c.id FROM command c JOIN command_device d ON d.command = c.number
WHERE c.verb = :verb AND c.args = :args AND d.device = :device ORDER BY c.number DESC LIMIT 1
