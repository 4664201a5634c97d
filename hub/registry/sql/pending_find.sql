SELECT status FROM pending_enrolment WHERE key_fingerprint = :key AND device = :device
