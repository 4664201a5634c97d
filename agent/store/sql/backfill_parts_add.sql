INSERT INTO backfill_part (backfill, number, partition, status)
SELECT :backfill, CAST(key AS INTEGER), value, 'waiting' FROM json_each(:partitions)
