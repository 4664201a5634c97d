INSERT INTO account_setup (id, hash, expires_ms) VALUES (1, :hash, :expires)
ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, expires_ms = excluded.expires_ms
