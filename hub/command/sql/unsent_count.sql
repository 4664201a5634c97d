SELECT count(*) FILTER (WHERE sent = 0) FROM command_device
WHERE command = :command AND is_open = 1 HAVING count(*) > 0
