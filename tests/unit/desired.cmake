selvedge_test(NAME desired_state_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/desired_state_test.c
    LIBS agent_desired)
selvedge_test(NAME desired_lay_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/desired_lay_test.c ${CMAKE_CURRENT_LIST_DIR}/definitions_fixture.c
    LIBS agent_desired agent_definitions common_yaml test_support)
