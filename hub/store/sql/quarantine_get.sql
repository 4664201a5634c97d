SELECT payload FROM quarantine WHERE id = :id
