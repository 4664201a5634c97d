-- An asset on a device and what it is made from there. All that staleness comes from: the definition, the last materialization,
-- of an external one the last observation. What a dep was made with matters only where it is made here and nobody says a version of
-- its code (common/model/staleness.h): else its event, the dearest of these rows, is not looked for. CASE: what is not wanted is not
-- looked up; BETWEEN: by the primary key.
SELECT w.asset, n.code_version, coalesce(n.is_external, 0),
    (SELECT h.version FROM asset_history h
        WHERE h.stream_id = :stream AND h.asset BETWEEN w.asset AND w.asset AND h.last_seq = :seq LIMIT 1),
    a.at_ms, a.data_version, e.body, o.at_ms, o.data_version,
    a.seq IS NULL OR (o.stream_ms, o.epoch, o.seq) > (a.stream_ms, a.epoch, a.seq)
FROM (
    SELECT 0 AS is_dep, :asset AS asset
    UNION ALL
    SELECT 1, upstream FROM edge WHERE device = :device AND downstream = :asset AND upstream <> :asset) w
LEFT JOIN asset_definition n ON n.device = :device AND n.asset = w.asset
LEFT JOIN asset_state a ON a.device = :device AND a.asset = w.asset
LEFT JOIN asset_observed o ON o.device = CASE WHEN n.is_external THEN :device END AND o.asset = w.asset
LEFT JOIN event e ON e.seq = a.seq
    AND e.stream_id = CASE WHEN NOT w.is_dep OR NOT (coalesce(n.is_external, 0) OR coalesce(n.code_version, '') <> '') THEN a.stream_id END
