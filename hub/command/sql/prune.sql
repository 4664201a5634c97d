DELETE FROM command WHERE is_open = 0 AND number <= (SELECT max(number) FROM command) - :keep
