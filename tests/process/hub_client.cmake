selvedge_process_test(NAME hub_client LABEL process SCRIPT hub_client_test.py TIMEOUT 300)
