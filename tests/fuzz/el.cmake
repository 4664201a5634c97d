foreach(name singer singer_batch flatten csv modbus_registers mqtt_packets)
    selvedge_fuzz(NAME ${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/${name}_fuzz.c LIBS agent_el)
endforeach()
