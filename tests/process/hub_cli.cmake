selvedge_process_test(NAME hub_cli LABEL process SCRIPT hub_cli_test.py TIMEOUT 300)
