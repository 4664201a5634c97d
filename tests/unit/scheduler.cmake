selvedge_test(NAME scheduler_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/scheduler_test.c
    LIBS runner_fixture agent_daemon agent_schedule test_support)
selvedge_test(NAME store_ticks_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/store_ticks_test.c LIBS store_fixture)
