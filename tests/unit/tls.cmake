selvedge_test(NAME tls_identity_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/tls_identity_test.c
    LIBS common_tls test_support)
selvedge_test(NAME tls_authorities_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/tls_authorities_test.c
    LIBS common_tls test_support)
