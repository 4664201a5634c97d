DELETE FROM named_definition WHERE device = :device
