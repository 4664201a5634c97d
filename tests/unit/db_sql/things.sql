SELECT id, name, weight, picture, id * 2 AS twice FROM thing WHERE id >= :from ORDER BY id
