foreach(name pipes_context pipes_message pipes_session)
    selvedge_test(NAME ${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c LIBS agent_pipes test_support)
endforeach()
target_link_options(pipes_session_test PRIVATE -Wl,--wrap=inotify_init1)
selvedge_test(NAME step_pipes_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/step_pipes_test.c LIBS agent_run test_support)
