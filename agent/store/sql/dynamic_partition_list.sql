SELECT partition FROM dynamic_partition WHERE name = :set ORDER BY id
