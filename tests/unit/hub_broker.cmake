selvedge_test(NAME hub_broker_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/hub_broker_test.c LIBS hub_broker)
