UPDATE enrol_token SET last_error = :why WHERE id = :id
