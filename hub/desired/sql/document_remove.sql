DELETE FROM desired_document WHERE name = :name
