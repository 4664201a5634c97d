foreach(name answer arrivals causes messages pace)
    selvedge_test(NAME sense_${name}_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/sense_${name}_test.c LIBS agent_sense)
endforeach()
selvedge_test(NAME sensors_test LABEL unit TIMEOUT 300 SOURCES ${CMAKE_CURRENT_LIST_DIR}/sensors_test.c LIBS runner_fixture agent_daemon)
