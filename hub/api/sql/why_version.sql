SELECT json_extract(body, '$.partitions.kind'), json_extract(body, '$.freshness') FROM asset_text WHERE version = :version
