foreach(name blocks catalog env glob load projects state tree values)
    selvedge_test(NAME meltano_${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/meltano_${name}_test.c ${CMAKE_CURRENT_LIST_DIR}/meltano_fixture.c
        LIBS agent_meltano test_support)
endforeach()
selvedge_test(NAME meltano_faults_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/meltano_faults_test.c ${CMAKE_CURRENT_LIST_DIR}/meltano_fixture.c
    LIBS agent_meltano test_support)
target_link_options(meltano_faults_test PRIVATE
    -Wl,--wrap=arena_alloc -Wl,--wrap=arena_array -Wl,--wrap=arena_copy)
