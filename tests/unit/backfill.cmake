foreach(name store_backfills store_partitions)
    selvedge_test(NAME ${name}_test LABEL unit SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_test.c
        LIBS store_fixture test_support)
endforeach()
