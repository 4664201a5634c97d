DELETE FROM pool_holder
