SELECT nominal FROM schedule WHERE name = :schedule
