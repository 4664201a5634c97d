SELECT e.downstream, count(*) FROM edge e WHERE e.upstream = :asset GROUP BY e.downstream ORDER BY e.downstream
