UPDATE preauthorisation SET key_fingerprint = :key, used_ms = :now WHERE serial_number = :serial_number
