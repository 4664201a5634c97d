UPDATE derived SET version = :version WHERE id = 1
