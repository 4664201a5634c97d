INSERT INTO backfill_part (backfill, number, partition, status)
SELECT :backfill, key, value, 'waiting' FROM json_each(:partitions)
