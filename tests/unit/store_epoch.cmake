selvedge_test(NAME store_epoch_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/store_epoch_test.c LIBS store_fixture)
