SELECT status, reason, at FROM bundle WHERE hash = :hash
