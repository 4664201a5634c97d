SELECT id FROM command WHERE id >= :prefix AND id < :prefix || 'g' ORDER BY id DESC LIMIT 2
