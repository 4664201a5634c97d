selvedge_test(NAME simulate_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/simulate_test.c LIBS hub_simulate common_wire)
