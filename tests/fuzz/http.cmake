selvedge_fuzz(NAME http_target SOURCES ${CMAKE_CURRENT_LIST_DIR}/http_target_fuzz.c LIBS hub_api hub_http)
selvedge_fuzz(NAME http_request SOURCES ${CMAKE_CURRENT_LIST_DIR}/http_request_fuzz.c LIBS hub_api hub_accounts hub_http hub_store common_json common_log test_support)
