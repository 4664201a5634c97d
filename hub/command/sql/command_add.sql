INSERT INTO command (id, verb, args, targets, key, counter, issued_ms, expires_ms, given_ms, devices, at_once, patience_ms,
    abort_failed, abort_percent, given_by, is_open)
VALUES (:id, :verb, :args, :targets, :key, :counter, :issued, :expires, :given, :devices, :at_once, :patience,
    :abort_failed, :abort_percent, :given_by, 1)
RETURNING number
