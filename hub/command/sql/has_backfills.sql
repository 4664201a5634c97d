SELECT EXISTS (SELECT 1 FROM backfill WHERE command = :id)
