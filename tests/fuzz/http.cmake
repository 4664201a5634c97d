selvedge_fuzz(NAME http_target SOURCES ${CMAKE_CURRENT_LIST_DIR}/http_target_fuzz.c LIBS hub_api hub_http)
