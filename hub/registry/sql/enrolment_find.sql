SELECT cert_pem FROM enrolment WHERE token_id = :token AND device = :device AND key_fingerprint = :key
