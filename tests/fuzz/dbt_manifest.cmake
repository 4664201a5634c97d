foreach(name manifest bundle)
    selvedge_fuzz(NAME dbt_${name}
        SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_${name}_fuzz.c ${CMAKE_CURRENT_LIST_DIR}/dbt_check.c
        LIBS common_dbt common_tls)
endforeach()
