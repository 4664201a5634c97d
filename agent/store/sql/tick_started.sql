SELECT 1 FROM tick WHERE kind = 'schedule' AND status = 'started' AND name = :name AND nominal = :nominal LIMIT 1
