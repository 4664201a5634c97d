selvedge_test(NAME delivery_power_test LABEL power TIMEOUT 600 SOURCES ${CMAKE_CURRENT_LIST_DIR}/delivery_power_test.c
    LIBS hub_delivery hub_store common_log common_platform test_power)
