UPDATE desired_device SET sent_ms = NULL WHERE sent_ms IS NOT NULL
