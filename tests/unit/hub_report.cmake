selvedge_test(NAME hub_report_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/hub_report_test.c
    LIBS hub_report merge_world)
selvedge_test(NAME hub_report_golden_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/hub_report_golden_test.c
    LIBS hub_report merge_world common_cli common_platform)
