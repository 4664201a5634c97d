add_library(runner_fixture STATIC ${CMAKE_CURRENT_LIST_DIR}/runner_fixture.c ${CMAKE_CURRENT_LIST_DIR}/definitions_fixture.c)
target_link_libraries(runner_fixture PUBLIC agent_run store_fixture test_support PRIVATE PkgConfig::CMOCKA project_options)
foreach(name runner runner_memory runner_partition runner_pipes runner_queue)
    selvedge_test(NAME ${name}_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c LIBS runner_fixture)
endforeach()
selvedge_test(NAME backfills_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/backfills_test.c LIBS runner_fixture agent_daemon)
selvedge_test(NAME step_spec_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/step_spec_test.c ${CMAKE_CURRENT_LIST_DIR}/definitions_fixture.c LIBS agent_run)
