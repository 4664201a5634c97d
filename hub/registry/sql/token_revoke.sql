UPDATE enrol_token SET revoked_ms = coalesce(revoked_ms, :now) WHERE id = :id
