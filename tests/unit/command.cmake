selvedge_test(NAME command_courier_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/command_courier_test.c
    LIBS hub_command test_support)
selvedge_test(NAME command_orders_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/command_orders_test.c
    LIBS hub_command hub_store common_db common_tls common_wire test_support)
selvedge_test(NAME command_desk_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/command_desk_test.c
    LIBS hub_command hub_store common_db common_platform common_tls test_support)
