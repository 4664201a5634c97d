DELETE FROM outside_report WHERE seq <= :seq
