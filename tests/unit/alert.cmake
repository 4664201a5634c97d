selvedge_test(NAME alert_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/alert_test.c LIBS hub_alert test_support)
selvedge_test(NAME health_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/health_test.c LIBS agent_daemon store_fixture)
