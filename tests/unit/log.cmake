selvedge_test(NAME log_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/log_test.c LIBS common_log test_support)
