SELECT id, signer, counter, verb, '', issued_at, expires_at, received_at, status, changed_at, code, reason, run
FROM command WHERE status IN ('received', 'started') ORDER BY number
