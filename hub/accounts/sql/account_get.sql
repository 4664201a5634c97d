SELECT role, password, failures, locked_ms FROM account WHERE name = :name
