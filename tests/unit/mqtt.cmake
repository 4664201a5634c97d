selvedge_test(NAME mqtt_framing_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/mqtt_framing_test.c
    LIBS common_mqtt)
selvedge_test(NAME mqtt_reason_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/mqtt_reason_test.c
    LIBS common_mqtt)
