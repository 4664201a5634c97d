foreach(name blocks env glob load projects tree values)
    selvedge_test(NAME meltano_${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/meltano_${name}_test.c ${CMAKE_CURRENT_LIST_DIR}/meltano_fixture.c
        LIBS agent_meltano test_support)
endforeach()
