selvedge_test(NAME dbt_power_test LABEL power TIMEOUT 1800
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dbt_power_test.c ${CMAKE_CURRENT_LIST_DIR}/dbt_work.c
    LIBS dbt_world test_power common_platform)
