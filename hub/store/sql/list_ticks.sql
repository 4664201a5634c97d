SELECT device, schedule, status, nominal, at_ms, run, reason, ticks, started FROM tick
WHERE (:device IS NULL OR device = :device) AND (device, schedule) > (:after, :after2) ORDER BY device, schedule LIMIT :limit
