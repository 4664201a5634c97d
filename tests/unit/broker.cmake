selvedge_test(NAME broker_process_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/broker_process_test.c
    LIBS hub_broker test_support TIMEOUT 60)
