SELECT d.device FROM command_device d JOIN connection c ON c.device = d.device AND c.is_online = 1
WHERE d.command = :command AND d.turn IS NULL AND d.is_open = 1 LIMIT :room
