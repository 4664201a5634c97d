SELECT coalesce(max(counter), 0) FROM command WHERE key = :key
