add_library(store_fixture STATIC ${CMAKE_CURRENT_LIST_DIR}/store_fixture.c)
target_link_libraries(store_fixture PUBLIC agent_store test_power PRIVATE PkgConfig::CMOCKA project_options)

foreach(name record store store_quota store_retention store_runs store_sensors view)
    selvedge_test(NAME ${name}_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c LIBS store_fixture)
endforeach()
foreach(name sync sync_link)
    selvedge_test(NAME ${name}_test LABEL unit LIBS common_sync
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c ${CMAKE_CURRENT_LIST_DIR}/sync_fixture.c)
endforeach()
selvedge_test(NAME schedule_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/schedule_test.c ${CMAKE_CURRENT_LIST_DIR}/tzif_fixture.c LIBS agent_schedule)
foreach(name run run_shared)
    selvedge_test(NAME ${name}_test LABEL unit LIBS agent_run
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c ${CMAKE_CURRENT_LIST_DIR}/run_fixture.c)
endforeach()
