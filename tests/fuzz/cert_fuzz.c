/* cert_fuzz.c - certificates as we handle them: read, verified against a CA and against themselves,
 * and offered as the CAs to trust. */
#include "common/tls/authorities.h"

#include <stdlib.h>

/* CN=corner-shop-CA, P-256, until 2036. */
static const char ca_pem[] = "-----BEGIN CERTIFICATE-----\n"
                             "MIIBmjCCAT+gAwIBAgIRAPuKV4Qd487fDcuUXPWe5HMwDAYIKoZIzj0EAwIFADAZ\n"
                             "MRcwFQYDVQQDDA5jb3JuZXItc2hvcC1DQTAeFw0yNjAxMDEwMDAwMDBaFw0zNjAx\n"
                             "MDEwMDAwMDBaMBkxFzAVBgNVBAMMDmNvcm5lci1zaG9wLUNBMFkwEwYHKoZIzj0C\n"
                             "AQYIKoZIzj0DAQcDQgAE+/Wt0jcOsQqg9voRLX+SNLzoDZiSHnjMbRCiuDv6KGsU\n"
                             "6tA11Vuf896W7ZM/l9ZydkvS7VXW4kloMTBY9Bemx6NmMGQwEgYDVR0TAQH/BAgw\n"
                             "BgEB/wIBADAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFK43N6bNXN7SdyQbAci/\n"
                             "M37mj3OfMB8GA1UdIwQYMBaAFK43N6bNXN7SdyQbAci/M37mj3OfMAwGCCqGSM49\n"
                             "BAMCBQADRwAwRAIgDL1Vm8ff62Eia/G+Wj7/ctxWHmsxbleIr6gXh4Lf3j4CIGOd\n"
                             "8GBPhKSc6R54Eodju0vubnu/bfu9jIs/GHa5cnJl\n"
                             "-----END CERTIFICATE-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    const struct wall_time now = {INT64_C(1772366400) * NS_PER_SEC};
    struct identity_info info;
    struct err err = {0};
    bool is_read = identity_read_cert(text, &info, &err);
    bool is_ours = identity_verify(text, str_from(ca_pem), IDENTITY_CLIENT, now, &err);
    bool is_own_ca = identity_verify(text, text, IDENTITY_CA, now, &err);
    if ((is_ours || is_own_ca) && (!is_read || info.is_ca != is_own_ca)) {
        abort();
    }
    char list[AUTHORITIES_LIST_SIZE];
    bool is_set = authorities_list(text, list, &err);
    if (is_set && (!authorities_has(str_from(list), str_from(info.fingerprint)) ||
                   authorities_check_next(str_from(ca_pem), text, STR("3006020101020101"), &err))) {
        abort();
    }
    return 0;
}
