selvedge_test(NAME dbt_seed_types_unit_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_seed_types_test.c LIBS common_dbt)
selvedge_test(NAME dbt_seed_rows_test LABEL unit
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_seed_rows_test.c LIBS agent_transform test_support)
foreach(name seed snapshot freshness)
    selvedge_test(NAME dbt_${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_${name}_test.c LIBS dbt_world)
endforeach()
