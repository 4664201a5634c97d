foreach(name answer arrivals causes messages pace)
    selvedge_test(NAME sense_${name}_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/sense_${name}_test.c LIBS agent_sense)
endforeach()
