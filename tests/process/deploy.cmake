selvedge_process_test(NAME deploy LABEL process SCRIPT deploy_test.py TIMEOUT 600)
