SELECT asset, is_defined, is_external, is_failing, group_name, kinds, tags, owners, description, materializations,
    row_count, at_ms,
    failed_at_ms, freshness, CAST(json_extract(text, '$.freshness.fail_after_ms') AS INTEGER)
FROM device_asset_shown WHERE device = :device AND asset = :asset
