foreach(name singer csv modbus_registers mqtt_packets)
    selvedge_fuzz(NAME ${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_fuzz.c LIBS agent_el)
endforeach()
selvedge_fuzz(NAME record SOURCES ${CMAKE_CURRENT_LIST_DIR}/record_fuzz.c LIBS agent_el PkgConfig::CJSON)
