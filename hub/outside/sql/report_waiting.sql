SELECT count(*) FROM (SELECT 1 FROM outside_report LIMIT :limit)
