DELETE FROM preauthorisation WHERE serial_number = :serial_number
