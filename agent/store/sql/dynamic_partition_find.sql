SELECT 1 FROM dynamic_partition WHERE name = :set AND partition = :partition
