INSERT INTO command_message (command, part, message) VALUES (:command, :part, :message)
