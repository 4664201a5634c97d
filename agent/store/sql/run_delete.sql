DELETE FROM run WHERE id = :run
