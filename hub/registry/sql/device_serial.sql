UPDATE device SET serial_number = :serial_number WHERE id = :device
