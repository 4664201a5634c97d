UPDATE deployment SET settled_ms = nullif(:settled, 0) WHERE id = :deployment
