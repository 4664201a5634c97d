UPDATE asset SET materialized_seq = materialized_seq - :by - CASE WHEN materialized_seq > :by THEN 0 ELSE 1 END
WHERE materialized_seq <> 0
