SELECT t.id, t.account, a.role, t.scope, t.used_ms, t.label FROM account_token t JOIN account a ON a.name = t.account
WHERE t.hash = :hash AND t.revoked_ms IS NULL AND t.expires_ms > :now
