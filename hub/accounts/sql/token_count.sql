SELECT count(*) FROM account_token WHERE account = :account AND revoked_ms IS NULL AND expires_ms > :now
