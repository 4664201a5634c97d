selvedge_test(NAME gate_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/gate_test.c LIBS hub_serve)
selvedge_test(NAME hub_state_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/hub_state_test.c LIBS hub_serve)
