SELECT kind, name, nominal, at, status, run, partition, run_key, reason FROM tick
WHERE kind = :kind AND name = :name ORDER BY id DESC LIMIT :limit
