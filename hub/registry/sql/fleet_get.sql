SELECT name FROM fleet WHERE id = 1
