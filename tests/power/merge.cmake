selvedge_test(NAME merge_fault_test LABEL power TIMEOUT 300
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/merge_fault_test.c LIBS merge_world hub_merge hub_store test_power)
