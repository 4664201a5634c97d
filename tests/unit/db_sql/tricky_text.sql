SELECT 'a;b', '"', 'back\slash', '[x]', '${NOT_A_VARIABLE}', '@AT@', 'tab	ü'
