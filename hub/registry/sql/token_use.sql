UPDATE enrol_token SET uses = uses + 1, last_error = NULL WHERE id = :id
