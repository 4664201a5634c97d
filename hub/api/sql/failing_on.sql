-- Where an asset fails now.
SELECT device FROM device_asset WHERE asset = :asset AND is_failing ORDER BY device LIMIT :limit
