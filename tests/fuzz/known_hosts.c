/* A known_hosts file of any bytes: each line counts or is passed over, and a look-up ends. */
#include "known_hosts.h"

#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct {
        const char *address, *name;
        uint16_t port;
    } hosts[] = {{"app1.example.com", "app1", 22}, {"192.0.2.1", "app1", 2222}, {"2001:db8::1", NULL, 22}};
    static const uint8_t key[] = {0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd', '2', '5', '5', '1', '9', 0, 0, 0, 1, 'x'};
    g_autoptr(known_hosts_auto) known = known_hosts_new();

    known_hosts_parse(known, "known_hosts", bytes, size);
    g_assert(known_hosts_warnings(known)->len <= KNOWN_HOSTS_WARNINGS + 1);
    for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
        struct known_hosts_answer answer;
        g_autoptr(known_host_auto) host = known_host_find(known, hosts[i].address, hosts[i].name, hosts[i].port);
        g_autofree const char **types = known_host_types(host);
        known_host_check(&answer, host, key, sizeof key);
        g_assert(answer.verdict != KNOWN_HOSTS_CHANGED || types[0]);
        g_assert((answer.verdict == KNOWN_HOSTS_UNKNOWN) == (answer.line == 0));
        known_host_check(&answer, host, bytes, MIN(size, 64));
    }
    return 0;
}
