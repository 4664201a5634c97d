UPDATE deployment SET wave = :wave, settled_ms = NULL WHERE id = :deployment
