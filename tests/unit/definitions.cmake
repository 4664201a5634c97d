foreach(name definitions)
    selvedge_test(NAME ${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c
            ${CMAKE_CURRENT_LIST_DIR}/definitions_fixture.c
        LIBS agent_plan agent_definitions common_yaml test_support)
endforeach()
