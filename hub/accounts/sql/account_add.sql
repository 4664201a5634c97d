INSERT INTO account (name, role, password, created_ms) VALUES (:name, :role, :password, :now)
