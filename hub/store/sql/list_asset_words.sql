-- Reads all of asset_definition, asset_state: the whole graph, made aside and kept.
-- In the order of the key, whatever index it has: by asset each row would be looked for elsewhere.
SELECT DISTINCT +asset, group_name, kinds, tags, owners, is_external FROM asset_definition
UNION
SELECT a.asset, NULL, NULL, NULL, NULL, 0 FROM asset_state a
WHERE NOT EXISTS (SELECT 1 FROM asset_definition d WHERE d.device = a.device AND d.asset = a.asset)
