SELECT d.device, d.turn_ms, a.status FROM command_device d
LEFT JOIN command_answer a ON a.command = :id AND a.device = d.device
WHERE d.command = :command AND d.turn = 'working'
