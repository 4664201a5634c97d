SELECT device, asset, status, at_ms, is_failing, made_ms, is_online, clock_trusted, clock_offset_ms,
    CAST(json_extract(text, '$.freshness.fail_after_ms') AS INTEGER)
FROM freshness_shown WHERE asset = :asset ORDER BY device
