-- Reads all of asset_definition, asset_state, check_result, gap, run, stream: sums, for a report and the demo; nobody waits for it in the hub.
SELECT
    (SELECT count(*) FROM (SELECT id FROM device UNION SELECT device FROM stream WHERE device <> 'hub')),
    (SELECT count(*) FROM connection WHERE is_online = 1),
    (SELECT count(DISTINCT asset) FROM asset_definition),
    (SELECT count(*) FROM asset_definition),
    (SELECT count(*) FROM device_asset WHERE is_failing),
    (SELECT coalesce(sum(materializations), 0) FROM asset_state),
    (SELECT CAST(total(row_count) AS INTEGER) FROM asset_state),
    (SELECT count(*) FROM run),
    (SELECT count(*) FROM run WHERE status = 'success'),
    (SELECT count(*) FROM run WHERE status = 'failure'),
    (SELECT count(*) FROM run WHERE status IN ('queued', 'started')),
    (SELECT count(*) FROM check_result WHERE NOT passed),
    (SELECT count(*) FROM event),
    (SELECT CAST(total(lost_events) AS INTEGER) FROM device_gap)
