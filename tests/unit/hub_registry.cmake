selvedge_test(NAME registry_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/registry_test.c
    LIBS hub_registry hub_store common_db test_support)
selvedge_test(NAME rotation_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/rotation_test.c
    LIBS hub_registry common_tls test_support)
