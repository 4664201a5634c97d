UPDATE account_token SET revoked_ms = :now WHERE id = :id AND revoked_ms IS NULL
