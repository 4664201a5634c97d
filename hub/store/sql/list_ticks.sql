SELECT device, name, status, nominal, at_ms, run, reason, ticks, started FROM tick
WHERE kind = 'schedule' AND (:device IS NULL OR device = :device) AND (device, name) > (:after, :after2) ORDER BY device, name LIMIT :limit
