selvedge_test(NAME bundle_power LABEL power TIMEOUT 1200 SOURCES ${CMAKE_CURRENT_LIST_DIR}/bundle_power_test.c
    LIBS bundle_world test_power_files)
