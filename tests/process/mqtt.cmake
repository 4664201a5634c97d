selvedge_test(NAME mqtt_session_test LABEL process TIMEOUT 180
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/mqtt_session_test.c ${CMAKE_CURRENT_LIST_DIR}/mqtt_fixture.c
    LIBS common_mqtt test_broker)
selvedge_test(NAME mqtt_refusal_test LABEL process TIMEOUT 180
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/mqtt_refusal_test.c ${CMAKE_CURRENT_LIST_DIR}/mqtt_fixture.c
    LIBS common_mqtt test_broker)
selvedge_test(NAME mqtt_bare_test LABEL process TIMEOUT 180
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/mqtt_bare_test.c ${CMAKE_CURRENT_LIST_DIR}/mqtt_fixture.c
    LIBS common_mqtt test_broker)
selvedge_test(NAME mqtt_no_openssl_test LABEL process
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/mqtt_no_openssl_test.c ${CMAKE_CURRENT_LIST_DIR}/mqtt_fixture.c
    LIBS common_mqtt test_broker PkgConfig::MOSQUITTO)
