UPDATE account SET failures = 0, locked_ms = 0, login_ms = :now WHERE name = :name
