selvedge_test(NAME gate_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/gate_test.c LIBS hub_serve)
