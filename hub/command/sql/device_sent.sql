UPDATE command_device SET sent = sent + 1, sent_ms = :now WHERE command = :command AND device = :device
