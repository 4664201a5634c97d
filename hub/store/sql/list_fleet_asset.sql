SELECT asset, sum(is_defined), sum(is_failing), max(is_external), max(group_name), max(kinds), max(tags), max(owners), max(description),
    sum(materializations), CAST(sum(CAST(row_count AS REAL)) AS INTEGER), max(at_ms)
FROM device_asset WHERE asset = :asset AND asset > :after GROUP BY asset LIMIT :limit
