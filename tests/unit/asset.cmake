selvedge_test(NAME store_versions_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/store_versions_test.c LIBS store_fixture)
