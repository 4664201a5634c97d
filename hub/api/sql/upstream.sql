SELECT e.upstream, count(*) FROM asset_definition d JOIN edge e ON e.device = d.device AND e.downstream = :asset
WHERE d.asset = :asset GROUP BY e.upstream ORDER BY e.upstream
