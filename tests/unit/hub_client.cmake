selvedge_test(NAME hub_client_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/hub_client_test.c LIBS hub_client)
