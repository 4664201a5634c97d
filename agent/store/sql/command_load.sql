SELECT id, signer, counter, verb, args, issued_at, expires_at, received_at, status, changed_at, code, reason, run
FROM command WHERE id = :id
