selvedge_test(NAME broker_stop_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/broker_stop_test.c
    LIBS hub_broker test_support TIMEOUT 60)
