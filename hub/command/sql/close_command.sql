UPDATE command SET is_open = 0 WHERE number = :command
