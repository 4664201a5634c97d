foreach(part cron selection tz)
    selvedge_fuzz(NAME ${part} SOURCES ${part}_fuzz.c LIBS common_model)
endforeach()
