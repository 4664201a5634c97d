INSERT INTO pool_holder (pool, device, wanted, granted, since_ms) VALUES (:pool, :device, :wanted, :granted, :since)
