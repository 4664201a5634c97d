INSERT INTO tick (kind, name, nominal, at, status, run, partition, run_key, reason)
VALUES (:kind, :name, :nominal, :at, :status, :run, :partition, :run_key, :reason)
