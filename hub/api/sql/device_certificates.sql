SELECT c.serial, c.cause, c.issued_ms, c.not_after_ms, c.revoked_ms, c.fingerprint,
    c.fingerprint = (SELECT d.cert_fingerprint FROM device d WHERE d.id = :device)
FROM certificate c WHERE c.device = :device AND (c.issued_ms, c.serial) < (:at, :serial) ORDER BY c.issued_ms DESC, c.serial DESC LIMIT :limit
