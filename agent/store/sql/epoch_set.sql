UPDATE buffer SET epoch = :epoch WHERE id = 1
