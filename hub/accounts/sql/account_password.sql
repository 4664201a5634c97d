UPDATE account SET password = :password, failures = 0, locked_ms = 0 WHERE name = :name
