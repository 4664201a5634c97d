foreach(part cron selection tz)
    selvedge_fuzz(NAME ${part} SOURCES ${part}_fuzz.c LIBS common_model)
endforeach()
selvedge_fuzz(NAME partition SOURCES partition_fuzz.c ${PROJECT_SOURCE_DIR}/tests/unit/tzif_fixture.c
    LIBS common_model PkgConfig::CMOCKA)
