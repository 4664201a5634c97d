# Children of steps: their output, limits, ends.
selvedge_test(NAME capture_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/capture_test.c LIBS agent_run test_support)
target_link_options(capture_test PRIVATE -Wl,--wrap=open -Wl,--wrap=write)
