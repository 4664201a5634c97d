foreach(name definitions definitions_errors definitions_faults definitions_resolve plan)
    selvedge_test(NAME ${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c
            ${CMAKE_CURRENT_LIST_DIR}/definitions_fixture.c
        LIBS agent_plan agent_definitions common_yaml test_support)
endforeach()
target_link_options(definitions_faults_test PRIVATE
    -Wl,--wrap=arena_alloc -Wl,--wrap=arena_array -Wl,--wrap=arena_copy)
