UPDATE device SET display_name = :name WHERE id = :device
