INSERT INTO account_token (id, hash, account, label, scope, created_ms, expires_ms)
VALUES (:id, :hash, :account, :label, :scope, :now, :expires)
