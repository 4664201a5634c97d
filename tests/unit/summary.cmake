selvedge_test(NAME summary_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/summary_test.c ${PROJECT_SOURCE_DIR}/tests/support/temp_dir.c
    LIBS hub_summary hub_rows merge_world)
selvedge_test(NAME figures_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/figures_test.c ${PROJECT_SOURCE_DIR}/tests/support/temp_dir.c
    LIBS hub_summary merge_world)
