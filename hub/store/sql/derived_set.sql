UPDATE derived SET version = :version, times = times + 1 WHERE id = 1
