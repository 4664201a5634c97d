foreach(name parse text table pages show)
    selvedge_test(NAME cli_${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/cli_${name}_test.c ${CMAKE_CURRENT_LIST_DIR}/cli_fixture.c
        LIBS common_cli common_json)
endforeach()
