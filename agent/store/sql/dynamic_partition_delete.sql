DELETE FROM dynamic_partition WHERE name = :set AND partition = :partition
