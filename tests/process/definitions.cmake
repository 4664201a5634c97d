selvedge_process_test(NAME agent_secrets LABEL process SCRIPT agent_secrets_test.py TIMEOUT 120)
