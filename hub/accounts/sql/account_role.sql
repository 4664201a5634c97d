UPDATE account SET role = :role WHERE name = :name
