INSERT INTO enrol_token_label (token_id, key, value) VALUES (:id, :key, :value)
