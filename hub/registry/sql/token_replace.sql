UPDATE enrol_token SET replaces = :device, name_pattern = :device WHERE id = :id
