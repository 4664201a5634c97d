selvedge_test(NAME store_versions_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/store_versions_test.c LIBS store_fixture)
selvedge_test(NAME runner_versions_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/runner_versions_test.c
    LIBS runner_fixture common_tls)
foreach(name asset_states automation_look)
    selvedge_test(NAME ${name}_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c LIBS agent_assets runner_fixture)
endforeach()
foreach(name asset_watch automator freshness_watch)
    selvedge_test(NAME ${name}_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c LIBS agent_daemon runner_fixture)
endforeach()
