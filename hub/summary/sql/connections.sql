SELECT device, is_online, coalesce(clock_trusted, 1), clock_offset_ms FROM connection
