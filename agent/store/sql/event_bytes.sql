SELECT coalesce(sum(length(CAST(body AS BLOB))), 0) FROM event WHERE seq > :after AND seq <= :upto
