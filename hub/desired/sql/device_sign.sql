UPDATE desired_device SET message = :message, sent_ms = NULL WHERE device = :device AND body = :body
