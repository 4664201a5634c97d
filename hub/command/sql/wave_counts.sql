SELECT turn, count(*) FROM command_device WHERE command = :command AND turn IS NOT NULL GROUP BY turn
