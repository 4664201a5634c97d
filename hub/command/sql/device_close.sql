UPDATE command_device SET is_open = 0 WHERE command = :command AND device = :device
