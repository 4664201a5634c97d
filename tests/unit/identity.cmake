selvedge_test(NAME renewal_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/renewal_test.c LIBS agent_identity test_support)
