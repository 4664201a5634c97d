SELECT kind, name, nominal, at, status, run, partition, run_key, reason FROM tick
WHERE :kind IS NULL OR kind = :kind ORDER BY id DESC LIMIT :limit
