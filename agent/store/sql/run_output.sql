UPDATE run SET output_bytes = output_bytes + :bytes WHERE id = :run
