UPDATE backfill_part SET status = 'requested', run = :run
WHERE backfill = :backfill AND number BETWEEN
    (SELECT min(number) FROM backfill_part WHERE backfill = :backfill AND partition IN (:first, :last)) AND
    (SELECT max(number) FROM backfill_part WHERE backfill = :backfill AND partition IN (:first, :last))
