-- What the set :seq has of assets that the one before it had not, or had otherwise.
WITH now (asset, version) AS MATERIALIZED (
    SELECT asset, version FROM asset_history WHERE stream_id = :stream AND from_seq <= :seq AND last_seq >= :seq),
old (asset, version) AS MATERIALIZED (
    SELECT asset, version FROM asset_history WHERE stream_id = :old_stream AND from_seq <= :old_seq AND last_seq >= :old_seq)
SELECT 0, n.asset FROM now n LEFT JOIN old o ON o.asset = n.asset WHERE o.asset IS NULL
UNION ALL SELECT 1, n.asset FROM now n JOIN old o ON o.asset = n.asset WHERE o.version <> n.version
UNION ALL SELECT 2, o.asset FROM old o LEFT JOIN now n ON n.asset = o.asset WHERE n.asset IS NULL
UNION ALL SELECT 3, n.asset FROM now n JOIN old o ON o.asset = n.asset WHERE o.version = n.version
ORDER BY 1, 2
