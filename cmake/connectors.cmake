# Which taps and targets are in the build, one option each. SQLite and Singer always are: the engine is made of them. Those that need a
# library are in it when the library is there (dependencies.cmake); ON insists. C sees each as 0 or 1.
set(SELVEDGE_CONNECTORS CSV JSONL SYSTEM MQTT HTTP MODBUS POSTGRES)
option(SELVEDGE_WITH_CSV "tap and target for CSV files" ON)
option(SELVEDGE_WITH_JSONL "tap and target for files of JSON lines" ON)
option(SELVEDGE_WITH_SYSTEM "tap for what the host measures of itself" ON)
option(SELVEDGE_WITH_MQTT "tap and target for MQTT" ON)

# selvedge_connectors(target): what is in the build, for the preprocessor.
function(selvedge_connectors target)
    foreach(name IN LISTS SELVEDGE_CONNECTORS)
        target_compile_definitions(${target} PRIVATE SELVEDGE_WITH_${name}=$<BOOL:${SELVEDGE_WITH_${name}}>)
    endforeach()
endfunction()

foreach(name IN LISTS SELVEDGE_CONNECTORS)
    if(SELVEDGE_TESTS AND name MATCHES "CSV|JSONL|SYSTEM|MQTT" AND NOT SELVEDGE_WITH_${name})
        message(FATAL_ERROR "the tests use every connector: SELVEDGE_WITH_${name}=OFF needs SELVEDGE_TESTS=OFF")
    endif()
endforeach()
