SELECT coalesce(min(seq), 0) FROM outside_report
