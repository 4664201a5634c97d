UPDATE command SET withdrawn_ms = :now, withdrawn_why = :why WHERE number = :command AND withdrawn_ms IS NULL AND is_open = 1
