UPDATE command_device SET turn = :turn, turn_ms = coalesce(turn_ms, :now) WHERE command = :command AND device = :device
