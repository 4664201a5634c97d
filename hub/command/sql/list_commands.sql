SELECT number, id, verb, args, targets, key, counter, issued_ms, expires_ms, given_ms, devices, at_once, patience_ms,
    withdrawn_ms, withdrawn_why, is_open, given_by
FROM command WHERE (:id IS NULL OR id = :id) AND (:before IS NULL OR number < :before) AND (:verb IS NULL OR verb = :verb)
ORDER BY number DESC LIMIT :limit
