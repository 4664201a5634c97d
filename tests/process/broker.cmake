selvedge_process_test(NAME broker_ports LABEL process SCRIPT broker_ports_test.py TIMEOUT 60)
