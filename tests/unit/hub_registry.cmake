selvedge_test(NAME registry_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/registry_test.c
    LIBS hub_registry hub_store common_db test_support)
