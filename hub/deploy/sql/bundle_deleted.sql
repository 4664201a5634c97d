SELECT deleted_ms IS NOT NULL FROM bundle WHERE hash = :hash
