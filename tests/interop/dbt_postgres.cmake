# The names of its files do not begin with "dbt_": dbt takes such modules for plugins and imports them.
if(SELVEDGE_WITH_POSTGRES)
    selvedge_process_test(NAME dbt_postgres LABEL interop SCRIPT postgres_lab_test.py TIMEOUT 1200)
    set_tests_properties(dbt_postgres PROPERTIES RESOURCE_LOCK "" COST 100)
endif()
