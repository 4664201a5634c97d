WITH RECURSIVE name (asset) AS (
    SELECT min(asset) FROM asset_definition
    UNION ALL SELECT (SELECT min(asset) FROM asset_definition d WHERE d.asset > name.asset) FROM name WHERE name.asset IS NOT NULL)
SELECT count(*) FROM name WHERE asset IS NOT NULL
