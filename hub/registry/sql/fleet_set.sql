INSERT INTO fleet (id, name, created_ms) VALUES (1, :name, :now)
