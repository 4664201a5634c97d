selvedge_test(NAME hub_report_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/hub_report_test.c
    ${CMAKE_CURRENT_LIST_DIR}/cli_fixture.c LIBS hub_report merge_world common_cli)
