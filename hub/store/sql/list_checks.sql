SELECT device, asset, name, passed, severity, at_ms, run, metadata FROM check_result
WHERE (:device IS NULL OR device = :device) AND (:asset IS NULL OR asset = :asset) AND (:failing = 0 OR NOT passed)
    AND (asset, name, device) > (:after, :after2, :after3)
ORDER BY asset, name, device LIMIT :limit
