SELECT device, asset, name, passed, severity, at_ms, run, metadata FROM check_result
WHERE passed = 0 AND (asset, name, device) > (:after, :after2, :after3) AND asset <= :last
    AND (:device IS NULL OR device = :device)
ORDER BY asset, name, device LIMIT :limit
