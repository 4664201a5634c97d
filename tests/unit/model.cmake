foreach(part asset_key automation backoff graph run_state selection)
    selvedge_test(NAME model_${part}_test LABEL unit SOURCES model_${part}_test.c LIBS common_model)
endforeach()
foreach(part cron freshness tz)
    selvedge_test(NAME model_${part}_test LABEL unit SOURCES model_${part}_test.c tzif_fixture.c
        LIBS common_model)
endforeach()
selvedge_test(NAME model_staleness_test LABEL unit SOURCES model_staleness_test.c
    LIBS common_model common_tls)
