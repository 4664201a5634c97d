INSERT INTO dynamic_partition (name, partition) VALUES (:set, :partition) ON CONFLICT (name, partition) DO NOTHING
