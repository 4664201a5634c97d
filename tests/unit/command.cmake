selvedge_test(NAME command_courier_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/command_courier_test.c
    LIBS hub_command test_support)
