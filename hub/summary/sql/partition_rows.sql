-- What was last made of an asset's partitions, device by device.
SELECT device, first, last, is_made, at_ms, run, stream_ms, epoch, seq FROM asset_partition
WHERE asset = :asset AND device >= :from AND device <= :to ORDER BY device
