UPDATE account_token SET used_ms = :now WHERE id = :id
