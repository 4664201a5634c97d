-- As the view fleet_asset has it, which would read a table by asset: each row is somewhere else then. Here both are read once,
-- from front to back.
WITH defined AS MATERIALIZED (
    SELECT d.asset, count(*) AS devices, max(d.is_external) AS is_external, max(d.group_name) AS group_name,
        max(d.kinds) AS kinds, max(d.tags) AS tags, max(d.owners) AS owners, max(d.description) AS description
    FROM asset_definition d WHERE d.device >= '' GROUP BY +d.asset),
happened AS MATERIALIZED (
    SELECT a.asset, sum(a.failed_seq IS NOT NULL AND (a.seq IS NULL OR
            (a.failed_stream_ms, a.failed_epoch, a.failed_seq) > (a.stream_ms, a.epoch, a.seq))) AS failing,
        sum(a.materializations) AS materializations, CAST(sum(CAST(a.row_count AS REAL)) AS INTEGER) AS row_count,
        max(a.at_ms) AS at_ms
    FROM asset_state a WHERE a.device >= '' GROUP BY +a.asset)
SELECT k.asset, coalesce(d.devices, 0), coalesce(h.failing, 0), coalesce(d.is_external, 0), d.group_name, d.kinds, d.tags, d.owners,
    d.description, coalesce(h.materializations, 0), h.row_count, h.at_ms
FROM (SELECT asset FROM defined UNION SELECT asset FROM happened) k
LEFT JOIN defined d ON d.asset = k.asset LEFT JOIN happened h ON h.asset = k.asset
WHERE k.asset > :after ORDER BY k.asset LIMIT :limit
