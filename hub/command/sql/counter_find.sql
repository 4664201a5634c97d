SELECT id FROM command WHERE key = :key AND counter = :counter
