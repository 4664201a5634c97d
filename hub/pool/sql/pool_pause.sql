UPDATE pool SET is_paused = :paused WHERE name = :name
