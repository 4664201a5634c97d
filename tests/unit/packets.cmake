selvedge_test(NAME mqtt_packets_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/mqtt_packets_test.c LIBS common_packets)
