SELECT id, label, last_error, created_ms, expires_ms, revoked_ms, max_uses, uses, name_pattern,
    (SELECT group_concat(key || '=' || value, ' ') FROM (SELECT key, value FROM enrol_token_label l WHERE l.token_id = t.id ORDER BY key)),
    wrong, closed_until_ms
FROM enrol_token t ORDER BY created_ms DESC, id
