SELECT device FROM asset_definition WHERE asset = :asset AND device > :after AND (:device IS NULL OR device = :device)
ORDER BY device LIMIT :limit
