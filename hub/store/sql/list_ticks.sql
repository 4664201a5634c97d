SELECT device, schedule, status, nominal, at_ms, run, reason, ticks, started FROM tick
WHERE :device IS NULL OR device = :device ORDER BY device, schedule
