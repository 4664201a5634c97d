-- Of all assets, or of one: :last is the last asset.
SELECT device, asset, name, passed, severity, at_ms, run, metadata FROM check_result
WHERE (asset, name, device) > (:after, :after2, :after3) AND asset <= :last
    AND (:device IS NULL OR device = :device) AND (:failing = 0 OR passed = 0)
ORDER BY asset, name, device LIMIT :limit
