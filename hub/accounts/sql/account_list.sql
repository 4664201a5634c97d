SELECT name, role, created_ms, failures, locked_ms, login_ms,
    (SELECT count(*) FROM account_session s WHERE s.account = a.name AND s.expires_ms > :now),
    (SELECT count(*) FROM account_token t WHERE t.account = a.name AND t.revoked_ms IS NULL AND t.expires_ms > :now)
FROM account a WHERE name > :after ORDER BY name LIMIT :limit
