SELECT id, signer, counter, verb, '', issued_at, expires_at, received_at, status, changed_at, code, reason, run
FROM command WHERE NOT :open OR status IN ('received', 'started') ORDER BY number DESC LIMIT :limit
