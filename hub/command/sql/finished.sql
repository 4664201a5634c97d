UPDATE command SET is_open = 0 WHERE is_open = 1
    AND NOT EXISTS (SELECT 1 FROM command_device d WHERE d.command = number AND d.is_open = 1)
    AND NOT EXISTS (SELECT 1 FROM command_device d WHERE d.command = number AND d.turn = 'working')
