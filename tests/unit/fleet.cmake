selvedge_test(NAME fleet_targets_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/fleet_targets_test.c
    LIBS hub_fleet test_support)

selvedge_test(NAME hardware_sheet_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/hardware_sheet_test.c LIBS hub_fleet test_support)
