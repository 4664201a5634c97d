INSERT INTO command_device (command, device, part) VALUES (:command, :device, :part)
