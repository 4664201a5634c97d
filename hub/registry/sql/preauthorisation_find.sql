SELECT device, labels, key_fingerprint FROM preauthorisation WHERE serial_number = :serial_number
