selvedge_test(NAME renewal_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/renewal_test.c LIBS agent_identity test_support)
selvedge_test(NAME identity_files_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/identity_files_test.c LIBS agent_daemon common_tls test_support)
selvedge_test(NAME trusted_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/trusted_test.c LIBS agent_daemon common_tls test_support)
