UPDATE command_device SET pieces = pieces + 1
WHERE device = :device AND pieces < :most
    AND command = (SELECT number FROM command WHERE id = :id AND verb IN ('logs', 'describe'))
