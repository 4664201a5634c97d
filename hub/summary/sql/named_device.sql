-- The next device that defines something with a name.
SELECT device FROM named_definition WHERE device > :after ORDER BY device LIMIT 1
