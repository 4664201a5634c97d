selvedge_test(NAME alert_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/alert_test.c LIBS hub_alert test_support)
