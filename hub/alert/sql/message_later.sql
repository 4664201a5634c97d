UPDATE alert_message SET attempts = attempts + 1, next_ms = :next, error = :error WHERE id = :id
