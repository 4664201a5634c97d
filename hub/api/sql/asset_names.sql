-- Reads an end of asset_definition: then one step an asset, however many devices have it.
WITH RECURSIVE name (asset) AS (
    SELECT min(asset) FROM asset_definition
    UNION ALL SELECT (SELECT min(asset) FROM asset_definition d WHERE d.asset > name.asset) FROM name WHERE name.asset IS NOT NULL)
SELECT asset FROM name WHERE asset IS NOT NULL AND instr(lower(asset), :q) > 0 LIMIT :limit
