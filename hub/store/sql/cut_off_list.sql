SELECT device, epoch, at_ms, why FROM cut_off WHERE :device IS NULL OR device = :device ORDER BY at_ms DESC
