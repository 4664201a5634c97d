foreach(name definitions definitions_changes definitions_datasets definitions_errors definitions_explain definitions_faults definitions_include definitions_keys
        definitions_keys_errors definitions_resolve definitions_steps plan)
    selvedge_test(NAME ${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c
            ${CMAKE_CURRENT_LIST_DIR}/definitions_fixture.c
        LIBS agent_plan agent_definitions common_yaml test_support)
endforeach()
target_link_options(definitions_faults_test PRIVATE
    -Wl,--wrap=arena_alloc -Wl,--wrap=arena_array -Wl,--wrap=arena_copy)
selvedge_test(NAME definitions_secrets_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/definitions_secrets_test.c
        ${PROJECT_SOURCE_DIR}/tests/support/temp_dir.c
    LIBS agent_definitions common_platform)
target_link_options(definitions_secrets_test PRIVATE -Wl,--wrap=free -Wl,--wrap=realloc)
