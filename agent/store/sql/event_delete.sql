DELETE FROM event WHERE seq > :after AND seq <= :upto
