UPDATE account SET failures = failures + 1, locked_ms = :locked WHERE name = :name
