-- In the order in which a device said it: of two that overlap the later counts.
SELECT device, first, last, is_made, at_ms, run FROM asset_partition
WHERE asset = :asset AND device >= :from AND device <= :to
ORDER BY device, stream_ms, epoch, seq
