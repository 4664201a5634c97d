selvedge_test(NAME command_power_test LABEL power TIMEOUT 600 SOURCES ${CMAKE_CURRENT_LIST_DIR}/command_power_test.c LIBS command_work)
