selvedge_test(NAME runner_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/runner_test.c ${CMAKE_CURRENT_LIST_DIR}/definitions_fixture.c
    LIBS agent_run store_fixture test_support)
