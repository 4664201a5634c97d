selvedge_test(NAME model_cron_count_test LABEL unit SOURCES model_cron_count_test.c tzif_fixture.c LIBS common_model)
selvedge_test(NAME model_partition_sql_test LABEL unit SOURCES model_partition_sql_test.c LIBS common_model)
foreach(part partition partition_map)
    selvedge_test(NAME model_${part}_test LABEL unit LIBS common_model
        SOURCES model_${part}_test.c partition_fixture.c tzif_fixture.c)
endforeach()
