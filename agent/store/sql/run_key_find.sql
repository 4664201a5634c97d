SELECT run FROM run_key WHERE sensor = :sensor AND run_key = :run_key
