INSERT INTO account_session (hash, account, csrf, peer, created_ms, seen_ms, expires_ms)
VALUES (:hash, :account, :csrf, :peer, :now, :now, :expires)
