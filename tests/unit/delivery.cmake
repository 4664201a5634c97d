selvedge_test(NAME delivery_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/delivery_test.c LIBS hub_delivery hub_report)
selvedge_test(NAME delivery_rows_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/delivery_rows_test.c
    LIBS hub_delivery hub_store common_platform test_support)
