selvedge_fuzz(NAME mqtt_packets SOURCES ${CMAKE_CURRENT_LIST_DIR}/mqtt_packets_fuzz.c LIBS common_packets)
