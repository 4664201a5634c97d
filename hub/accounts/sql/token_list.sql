SELECT id, account, label, scope, created_ms, expires_ms, used_ms, revoked_ms FROM account_token
WHERE id > :after ORDER BY id LIMIT :limit
