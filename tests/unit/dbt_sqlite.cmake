foreach(name columns_change data_test hostile_sql incremental incremental_schema models relation replay sql_text)
    selvedge_test(NAME dbt_${name}_test LABEL unit
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_${name}_test.c LIBS dbt_world)
endforeach()
