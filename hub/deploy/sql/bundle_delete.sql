UPDATE bundle SET deleted_ms = :now WHERE hash = :hash AND deleted_ms IS NULL
