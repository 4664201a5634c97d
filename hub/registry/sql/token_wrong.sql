UPDATE enrol_token SET wrong = :wrong, closed_until_ms = :closed_until, last_error = :why WHERE id = :id
