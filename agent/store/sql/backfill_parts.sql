SELECT number, partition, status, run FROM backfill_part
WHERE backfill = :backfill AND (:status IS NULL OR status = :status) ORDER BY number
