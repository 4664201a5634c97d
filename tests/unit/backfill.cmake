foreach(name store_backfills store_partitions)
    selvedge_test(NAME ${name}_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c
        LIBS store_fixture test_support)
endforeach()
selvedge_test(NAME backfill_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/backfill_test.c LIBS agent_backfill test_support)
selvedge_test(NAME backfill_plan_test LABEL unit LIBS agent_backfill
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/backfill_plan_test.c ${CMAKE_CURRENT_LIST_DIR}/definitions_fixture.c
    ${CMAKE_CURRENT_LIST_DIR}/partition_fixture.c ${CMAKE_CURRENT_LIST_DIR}/tzif_fixture.c)
selvedge_test(NAME step_partition_test LABEL unit LIBS agent_run
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/step_partition_test.c ${CMAKE_CURRENT_LIST_DIR}/partition_fixture.c
    ${CMAKE_CURRENT_LIST_DIR}/tzif_fixture.c)
