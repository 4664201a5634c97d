SELECT hash, status, reason, at FROM bundle ORDER BY at DESC, hash
