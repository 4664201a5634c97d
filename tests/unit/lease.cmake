selvedge_test(NAME lease_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/lease_test.c
    LIBS agent_lease hub_pool common_platform test_support)
selvedge_test(NAME wire_lease_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/wire_lease_test.c LIBS common_wire)
