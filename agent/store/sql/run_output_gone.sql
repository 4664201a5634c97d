UPDATE run SET output_bytes = 0 WHERE id = :run
