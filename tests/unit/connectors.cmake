selvedge_test(NAME connectors_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/connectors_test.c LIBS agent_connectors)
