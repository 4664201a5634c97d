SELECT message FROM command_message WHERE command = :command AND part = :part
