SELECT number FROM command WHERE id = :id
