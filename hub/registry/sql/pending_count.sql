SELECT count(*) FROM pending_enrolment WHERE key_fingerprint <> :key
