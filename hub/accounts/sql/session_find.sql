SELECT s.account, a.role, s.csrf, s.seen_ms, s.expires_ms FROM account_session s JOIN account a ON a.name = s.account
WHERE s.hash = :hash AND s.expires_ms > :now AND s.seen_ms > :idle
