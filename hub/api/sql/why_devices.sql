-- Who defines an asset, with the definitions in force there.
SELECT n.device, s.id, d.seq FROM asset_definition n
LEFT JOIN definitions d ON d.device = n.device
LEFT JOIN stream s ON s.device = d.device AND s.epoch = d.epoch
WHERE n.asset = :asset AND n.device > :after AND (:device IS NULL OR n.device = :device)
ORDER BY n.device LIMIT :limit
