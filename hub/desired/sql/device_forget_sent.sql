UPDATE desired_device SET sent_ms = NULL WHERE device = :device
