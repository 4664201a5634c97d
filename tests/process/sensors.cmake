selvedge_process_test(NAME sensors LABEL process SCRIPT sensors_test.py TIMEOUT 300)
selvedge_process_test(NAME sensors_mqtt LABEL process SCRIPT sensors_mqtt_test.py TIMEOUT 180)
