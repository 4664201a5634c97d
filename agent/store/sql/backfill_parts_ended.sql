UPDATE backfill_part SET status = :status WHERE run = :run AND run <> ''
