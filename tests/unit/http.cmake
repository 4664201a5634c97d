selvedge_test(NAME http_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/http_test.c LIBS hub_accounts hub_http hub_live test_support)
selvedge_test(NAME http_server_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/http_server_test.c LIBS hub_http test_support)
selvedge_test(NAME login_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/login_test.c LIBS hub_accounts hub_api hub_store common_log test_support)
