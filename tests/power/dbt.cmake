# Nodes of dbt projects in SQLite; another kind of node is a row in dbt_work.c.
foreach(name power memory)
    selvedge_test(NAME dbt_${name}_test LABEL power TIMEOUT 1800
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_${name}_test.c ${CMAKE_CURRENT_LIST_DIR}/dbt_work.c
        LIBS dbt_world test_power common_platform)
endforeach()
