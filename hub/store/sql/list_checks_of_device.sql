SELECT device, asset, name, passed, severity, at_ms, run, metadata FROM check_result
WHERE device = :device AND asset <= :last AND (asset, name, device) > (:after, :after2, :after3)
    AND (:failing = 0 OR passed = 0)
ORDER BY asset, name LIMIT :limit
