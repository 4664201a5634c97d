selvedge_test(NAME gzip_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/gzip_test.c LIBS common_gzip)
