SELECT version FROM derived WHERE id = 1
