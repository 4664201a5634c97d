DELETE FROM edge WHERE device = :device
