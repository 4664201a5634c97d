SELECT pool, wanted, granted FROM pool_holder WHERE device = :device ORDER BY pool
