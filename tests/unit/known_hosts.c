/* collector/known_hosts: what the files say of a host's key. */
#include "known_hosts.h"
#include "wire.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* Keys of the tests: "A", "B", "C" are ed25519 keys, "E" is an ecdsa key, "R" an rsa key. */
static const char *type_of(char key)
{
    return key == 'E' ? "ecdsa-sha2-nistp256" : key == 'R' ? "ssh-rsa" : "ssh-ed25519";
}

static GByteArray *blob_of(char key)
{
    uint8_t material[32];
    GByteArray *blob = g_byte_array_new();

    memset(material, key, sizeof material);
    wire_append_string(blob, type_of(key), strlen(type_of(key)));
    wire_append_string(blob, material, sizeof material);
    return blob;
}

static char *hashed(const char *name)
{
    static const uint8_t salt[20] = "salt salt salt salt";
    uint8_t digest[20];
    gsize size = sizeof digest;
    g_autoptr(GHmac) hmac = g_hmac_new(G_CHECKSUM_SHA1, salt, sizeof salt);
    g_hmac_update(hmac, (const guchar *)name, -1);
    g_hmac_get_digest(hmac, digest, &size);
    g_autofree char *salt_text = g_base64_encode(salt, sizeof salt);
    g_autofree char *digest_text = g_base64_encode(digest, sizeof digest);
    return g_strdup_printf("|1|%s|%s", salt_text, digest_text);
}

/* "<A>" stands for type and key, "<A64>" for the key alone, "<#name>" for a hashed name. */
static char *spell_out(const char *text)
{
    GString *out = g_string_new(NULL);

    while (*text) {
        const char *end = *text == '<' ? strchr(text, '>') : NULL;
        if (!end) {
            g_string_append_c(out, *text++);
            continue;
        }
        if (text[1] == '#') {
            g_autofree char *name = g_strndup(text + 2, (gsize)(end - text - 2));
            g_autofree char *hash = hashed(name);
            g_string_append(out, hash);
        } else {
            g_autoptr(GByteArray) blob = blob_of(text[1]);
            g_autofree char *base64 = g_base64_encode(blob->data, blob->len);
            g_string_append_printf(out, text[2] == '6' ? "%.0s%s" : "%s %s", type_of(text[1]), base64);
        }
        text = end + 1;
    }
    return g_string_free(out, FALSE);
}

static const struct {
    const char *what, *file, *address, *name;
    uint16_t port;
    char key;
    enum known_hosts_verdict verdict;
    unsigned line, warnings;
} rows[] = {
    {"empty file", "", "a", "a", 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"comments and empty lines", "# a <A>\n\n  \t\n   # b\n", "a", "a", 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"plain name", "a <A>\n", "a", "a", 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"no line feed at the end", "a <A>", "a", "a", 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"line ends of DOS", "a <A>\r\nb <B>\r\n", "b", "b", 22, 'B', KNOWN_HOSTS_MATCH, 2, 0},
    {"comment behind the key", "a <A> root@a <here>\n", "a", "a", 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"tabs", "\ta\t<A>\n", "a", "a", 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"case does not matter", "App1.Example.COM <A>\n", "aPP1.example.com", NULL, 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"second of several names", "x,a,y <A>\n", "a", "a", 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"name is not a part of a name", "aa,ba <A>\n", "a", "a", 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"IPv6", "2001:db8::1 <A>\n", "2001:db8::1", "a", 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"second key of a host", "a <A>\na <B>\n", "a", "a", 22, 'B', KNOWN_HOSTS_MATCH, 2, 0},
    {"changed, same type", "a <A>\n", "a", "a", 22, 'B', KNOWN_HOSTS_CHANGED, 1, 0},
    {"changed, another type", "a <E>\n", "a", "a", 22, 'B', KNOWN_HOSTS_CHANGED, 1, 0},
    {"changed: the line of the same type is named", "a <E>\na <A>\n", "a", "a", 22, 'B', KNOWN_HOSTS_CHANGED, 2, 0},
    {"changed: the first line of the same type is named", "a <A>\na <C>\n", "a", "a", 22, 'B', KNOWN_HOSTS_CHANGED, 1,
     0},
    {"key of another host", "b <A>\n", "a", "a", 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"a port of its own", "[a]:2222 <A>\n", "a", "a", 2222, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"another port", "[a]:2222 <A>\n", "a", "a", 2223, 'A', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"port 22 has no brackets", "[a]:22 <A>\n", "a", "a", 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"name without port confirms", "a <A>\n", "a", "a", 2222, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"name without port does not contradict", "a <A>\n", "a", "a", 2222, 'B', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"name with port contradicts first", "a <A>\n[a]:2222 <B>\n", "a", "a", 2222, 'A', KNOWN_HOSTS_CHANGED, 2, 0},
    {"known by its name only", "app1 <A>\n", "192.0.2.1", "app1", 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"by its name with another key", "app1 <A>\n", "192.0.2.1", "app1", 22, 'B', KNOWN_HOSTS_CHANGED, 1, 0},
    {"the address decides before the name", "app1 <A>\n192.0.2.1 <B>\n", "192.0.2.1", "app1", 22, 'A',
     KNOWN_HOSTS_CHANGED, 2, 0},
    {"name and port", "[app1]:2222 <A>\n", "192.0.2.1", "app1", 2222, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"star", "*.example.com <A>\n", "app1.example.com", NULL, 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"star matches nothing too", "app*1 <A>\n", "app1", NULL, 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"star with another key", "*.example.com <A>\n", "app1.example.com", NULL, 22, 'B', KNOWN_HOSTS_CHANGED, 1, 0},
    {"star elsewhere", "*.example.com <A>\n", "app1.example.org", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"question mark", "app? <A>\n", "app1", NULL, 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"question mark is one character", "app? <A>\n", "app12", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"question mark is not none", "app? <A>\n", "app", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"negated", "*.example.com,!app1.example.com <A>\n", "app1.example.com", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"negated, another one", "!app2.*,*.example.com <A>\n", "app1.example.com", NULL, 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"negated alone matches nothing", "!b <A>\n", "a", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"lone exclamation mark", "!,a <A>\n", "a", NULL, 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"star and port", "[*]:2222 <A>\n", "a", NULL, 2222, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"many stars end in time", "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b <A>\n",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, 22, 'A',
     KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"hashed", "<#a> <A>\n", "a", NULL, 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"hashed, lower case counts", "<#a> <A>\n", "A", NULL, 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"hashed, another name", "<#a> <A>\n", "b", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"hashed, another key", "<#a> <A>\n", "a", NULL, 22, 'B', KNOWN_HOSTS_CHANGED, 1, 0},
    {"hashed with port", "<#[a]:2222> <A>\n", "a", NULL, 2222, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"hash of another kind", "|2|c2FsdA==|c2FsdA== <A>\n", "a", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 1},
    {"hash too short", "|1|c2FsdA==|c2FsdA== <A>\n", "a", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 1},
    {"hash in garbage", "|1|||| <A>\n|1|\n|\n| <A>\n", "a", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 4},
    {"revoked", "a <A>\n@revoked a <A>\n", "a", NULL, 22, 'A', KNOWN_HOSTS_REVOKED, 2, 0},
    {"revoked for all", "a <A>\n@revoked * <A>\n", "a", NULL, 22, 'A', KNOWN_HOSTS_REVOKED, 2, 0},
    {"revoked under the name", "192.0.2.1 <A>\n@revoked a <A>\n", "192.0.2.1", "a", 22, 'A', KNOWN_HOSTS_REVOKED, 2, 0},
    {"revoked without port", "[a]:2222 <A>\n@revoked a <A>\n", "a", NULL, 2222, 'A', KNOWN_HOSTS_REVOKED, 2, 0},
    {"another key is revoked", "a <A>\n@revoked a <B>\n", "a", NULL, 22, 'A', KNOWN_HOSTS_MATCH, 1, 0},
    {"a revoked key alone makes no host known", "@revoked a <B>\n", "a", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"authority is no key of the host", "@cert-authority a <A>\n", "a", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 0},
    {"unknown marker", "@nonsense a <A>\n", "a", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 1},
    {"bad lines do not end the reading", "a\na ssh-ed25519\na ssh-ed25519 ???\na <A>\n", "a", NULL, 22, 'A',
     KNOWN_HOSTS_MATCH, 4, 3},
    {"key cut off", "a ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n", "a", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 1},
    {"key with padding too much", "a ssh-ed25519 <A64>=\n", "a", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 1},
    {"type and key differ", "a ssh-rsa <A64>\n", "a", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 1},
    {"SSH protocol 1", "a 1024 35 1234567890\n", "a", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 1},
    {"only a marker", "@revoked\n", "a", NULL, 22, 'A', KNOWN_HOSTS_UNKNOWN, 0, 1},
};

Test(known_hosts, verdicts)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *file = spell_out(rows[i].file);
        g_autoptr(known_hosts_auto) known = known_hosts_new();
        known_hosts_parse(known, "known_hosts", file, strlen(file));
        g_autoptr(known_host_auto) host = known_host_find(known, rows[i].address, rows[i].name, rows[i].port);
        g_autoptr(GByteArray) key = blob_of(rows[i].key);
        struct known_hosts_answer answer;
        known_host_check(&answer, host, key->data, key->len);
        cr_expect_eq(answer.verdict, rows[i].verdict, "%s: %d", rows[i].what, answer.verdict);
        cr_expect_eq(answer.line, rows[i].line, "%s: line %u", rows[i].what, answer.line);
        cr_expect_eq(known_hosts_warnings(known)->len, rows[i].warnings, "%s: %u warnings", rows[i].what,
                     known_hosts_warnings(known)->len);
        if (answer.line)
            cr_expect_str_eq(answer.path, "known_hosts");
    }
}

static const struct {
    const char *what, *file, *address, *types;
    uint16_t port;
} type_rows[] = {
    {"none", "b <A>\n", "a", "", 22},
    {"each once", "a <A>\na <B>\n", "a", "ssh-ed25519", 22},
    {"best first", "a <R>\na <E>\na <A>\n", "a", "ssh-ed25519 ecdsa-sha2-nistp256 ssh-rsa", 22},
    {"not the revoked ones", "a <E>\n@revoked a <A>\n", "a", "ecdsa-sha2-nistp256", 22},
    {"not the authority's", "a <E>\n@cert-authority a <A>\n", "a", "ecdsa-sha2-nistp256", 22},
    {"without port too", "[a]:2222 <E>\na <A>\n", "a", "ssh-ed25519 ecdsa-sha2-nistp256", 2222},
};

Test(known_hosts, types)
{
    for (size_t i = 0; i < G_N_ELEMENTS(type_rows); i++) {
        g_autofree char *file = spell_out(type_rows[i].file);
        g_autoptr(known_hosts_auto) known = known_hosts_new();
        known_hosts_parse(known, "known_hosts", file, strlen(file));
        g_autoptr(known_host_auto) host = known_host_find(known, type_rows[i].address, NULL, type_rows[i].port);
        g_autofree const char **types = known_host_types(host);
        g_autofree char *joined = g_strjoinv(" ", (char **)types);
        cr_expect_str_eq(joined, type_rows[i].types, "%s: %s", type_rows[i].what, joined);
    }
}

/* What came of a file: the verdict and all that goes with it. */
static char *describe(const char *file, const char *address, const char *name, uint16_t port, char key)
{
    g_autoptr(known_hosts_auto) known = known_hosts_new();
    known_hosts_parse(known, "k", file, strlen(file));
    g_autoptr(known_host_auto) host = known_host_find(known, address, name, port);
    g_autoptr(GByteArray) blob = blob_of(key);
    struct known_hosts_answer answer;
    known_host_check(&answer, host, blob->data, blob->len);
    /* The types are settled where the verdict is not that the key is right. */
    gboolean settled = answer.verdict == KNOWN_HOSTS_CHANGED || answer.verdict == KNOWN_HOSTS_UNKNOWN;
    g_autofree const char **types = known_host_types(host);
    g_autofree char *joined = g_strjoinv(" ", (char **)types);
    return g_strdup_printf("%d line %u same %d authority %u types %s", answer.verdict, answer.line, answer.same_type,
                           answer.verdict == KNOWN_HOSTS_UNKNOWN ? answer.authority_line : 0, settled ? joined : "");
}

/* Hashed or not, lines say the same: random files, compared with themselves. */
Test(known_hosts, hashed_lines_say_what_plain_ones_say)
{
    static const char *const names[] = {"a", "b", "[a]:2222", "[b]:2222", "c", "*"};
    static const char *const markers[] = {"", "", "", "", "@revoked ", "@cert-authority "};
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    unsigned verdicts[4] = {0};
    for (int i = 0; i < 5000; i++) {
        g_autoptr(GString) plain = g_string_new(NULL), hidden = g_string_new(NULL);
        for (int lines = g_rand_int_range(random, 0, 6); lines > 0; lines--) {
            const char *name = names[g_rand_int_range(random, 0, G_N_ELEMENTS(names))];
            const char *marker = markers[g_rand_int_range(random, 0, G_N_ELEMENTS(markers))];
            char key = "ABER"[g_rand_int_range(random, 0, 4)];
            /* Some of the lines stay as they are. */
            gboolean hide = *name != '*' && g_rand_int_range(random, 0, 4) > 0;
            g_string_append_printf(plain, "%s%s <%c>\n", marker, name, key);
            g_string_append_printf(hidden, hide ? "%s<#%s> <%c>\n" : "%s%s <%c>\n", marker, name, key);
        }
        g_autofree char *plain_file = spell_out(plain->str), *hidden_file = spell_out(hidden->str);
        const char *name = g_rand_boolean(random) ? "b" : NULL;
        uint16_t port = g_rand_boolean(random) ? 22 : 2222;
        char key = "ABE"[g_rand_int_range(random, 0, 3)];
        g_autofree char *expected = describe(plain_file, "a", name, port, key);
        g_autofree char *got = describe(hidden_file, "a", name, port, key);
        cr_assert_str_eq(got, expected, "port %u, name %s, key %c:\n%s", port, name ? name : "none", key, hidden->str);
        verdicts[*got - '0']++;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(verdicts); i++)
        cr_expect_gt(verdicts[i], 100, "verdict %zu", i);
}

/* A file of ${count} hashed lines, each with a key of its own: h0, h1, ... */
static struct known_hosts *many_hashed(unsigned count)
{
    g_autoptr(GString) file = g_string_new(NULL);
    struct known_hosts *known = known_hosts_new();

    for (unsigned i = 0; i < count; i++) {
        g_autoptr(GByteArray) blob = blob_of('A');
        memcpy(blob->data + blob->len - sizeof i, &i, sizeof i);
        g_autofree char *name = g_strdup_printf("h%u", i), *hash = hashed(name);
        g_autofree char *base64 = g_base64_encode(blob->data, blob->len);
        g_string_append_printf(file, "%s ssh-ed25519 %s\n", hash, base64);
    }
    known_hosts_parse(known, "k", file->str, file->len);
    cr_assert_eq(known_hosts_warnings(known)->len, 0);
    return known;
}

/* One digest for each host whose key is right, and one for each line only where it isn't. */
Test(known_hosts, what_hashed_lines_cost)
{
    enum { LINES = 2000 };
    g_autoptr(known_hosts_auto) known = many_hashed(LINES);
    for (unsigned i = 0; i < LINES; i++) {
        g_autofree char *name = g_strdup_printf("h%u", i);
        g_autoptr(known_host_auto) host = known_host_find(known, name, name, 22);
        g_autofree const char **types = known_host_types(host);
        g_autoptr(GByteArray) blob = blob_of('A');
        struct known_hosts_answer answer;
        memcpy(blob->data + blob->len - sizeof i, &i, sizeof i);
        known_host_check(&answer, host, blob->data, blob->len);
        cr_assert_eq(answer.verdict, KNOWN_HOSTS_MATCH);
        cr_assert_eq(answer.line, i + 1);
        cr_assert_str_eq(types[0], "ssh-ed25519");
    }
    cr_expect_eq(known_hosts_digests(known), LINES);

    static const struct {
        const char *name;
        enum known_hosts_verdict verdict;
    } others[] = {{"h7", KNOWN_HOSTS_CHANGED}, {"stranger", KNOWN_HOSTS_UNKNOWN}};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(known_host_auto) host = known_host_find(known, others[i].name, NULL, 22);
        g_autoptr(GByteArray) blob = blob_of('B');
        struct known_hosts_answer answer;
        uint64_t before = known_hosts_digests(known);
        for (int again = 0; again < 2; again++) { /* twice costs no more */
            known_host_check(&answer, host, blob->data, blob->len);
            cr_expect_eq(answer.verdict, others[i].verdict);
        }
        cr_expect_eq(known_hosts_digests(known) - before, LINES);
    }
}

/* A server may have shown a key of another type than the one that is known, because nobody knew what to ask for. */
Test(known_hosts, says_when_to_ask_for_another_type)
{
    static const struct {
        const char *what, *file, *types_before, *types_after;
        char key;
        gboolean ask_again;
    } type_rows_hashed[] = {
        {"the known one", "<#a> <E>\n<#b> <A>\n", "ssh-ed25519 ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", 'A', TRUE},
        {"the same type", "<#a> <A>\n<#b> <E>\n", "ssh-ed25519 ecdsa-sha2-nistp256", "ssh-ed25519", 'B', FALSE},
        {"it was asked for", "a <E>\n", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", 'A', FALSE},
        {"not known at all", "<#b> <E>\n", "ecdsa-sha2-nistp256", "", 'A', FALSE},
        {"what is known for certain comes first", "a <R>\n<#b> <A>\n", "ssh-rsa ssh-ed25519", "ssh-rsa", 'B', TRUE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(type_rows_hashed); i++) {
        g_autofree char *file = spell_out(type_rows_hashed[i].file);
        g_autoptr(known_hosts_auto) known = known_hosts_new();
        known_hosts_parse(known, "k", file, strlen(file));
        g_autoptr(known_host_auto) host = known_host_find(known, "a", NULL, 22);
        g_autofree const char **before = known_host_types(host);
        g_autofree char *joined_before = g_strjoinv(" ", (char **)before);
        g_autoptr(GByteArray) key = blob_of(type_rows_hashed[i].key);
        struct known_hosts_answer answer;
        known_host_check(&answer, host, key->data, key->len);
        g_autofree const char **after = known_host_types(host);
        g_autofree char *joined_after = g_strjoinv(" ", (char **)after);
        cr_expect_str_eq(joined_before, type_rows_hashed[i].types_before, "%s", type_rows_hashed[i].what);
        cr_expect_str_eq(joined_after, type_rows_hashed[i].types_after, "%s", type_rows_hashed[i].what);
        cr_expect_eq(answer.ask_for != NULL, type_rows_hashed[i].ask_again, "%s", type_rows_hashed[i].what);
        if (answer.ask_for)
            cr_expect_str_eq(answer.ask_for, after[0]);
        known_host_check(&answer, host, key->data, key->len);
        cr_expect_null(answer.ask_for, "%s: once", type_rows_hashed[i].what);
    }
}

Test(known_hosts, says_whether_the_type_is_the_same_and_which_authority_there_is)
{
    g_autofree char *file = spell_out("@cert-authority *.example.com <C>\napp1.example.com <A>\n");
    g_autoptr(known_hosts_auto) known = known_hosts_new();
    known_hosts_parse(known, "k", file, strlen(file));
    g_autoptr(known_host_auto) host = known_host_find(known, "app1.example.com", NULL, 22);
    struct known_hosts_answer answer;

    g_autoptr(GByteArray) same = blob_of('B');
    known_host_check(&answer, host, same->data, same->len);
    cr_expect_eq(answer.verdict, KNOWN_HOSTS_CHANGED);
    cr_expect(answer.same_type);
    cr_expect_str_eq(answer.authority_path, "k");
    cr_expect_eq(answer.authority_line, 1);

    g_autoptr(GByteArray) other = blob_of('E');
    known_host_check(&answer, host, other->data, other->len);
    cr_expect_eq(answer.verdict, KNOWN_HOSTS_CHANGED);
    cr_expect_not(answer.same_type);

    known_host_check(&answer, host, "garbage", 7);
    cr_expect_eq(answer.verdict, KNOWN_HOSTS_CHANGED);
    cr_expect_not(answer.same_type);
}

Test(known_hosts, several_files_and_their_names)
{
    g_autofree char *first = spell_out("a <A>\nbroken\n");
    g_autofree char *second = spell_out("b <B>\n\n\033broken\n");
    g_autoptr(known_hosts_auto) known = known_hosts_new();
    known_hosts_parse(known, "first", first, strlen(first));
    known_hosts_parse(known, "second", second, strlen(second));
    g_autoptr(known_host_auto) host = known_host_find(known, "b", NULL, 22);
    g_autoptr(GByteArray) key = blob_of('B');
    struct known_hosts_answer answer;
    known_host_check(&answer, host, key->data, key->len);
    cr_expect_eq(answer.verdict, KNOWN_HOSTS_MATCH);
    cr_expect_str_eq(answer.path, "second");

    const GPtrArray *warnings = known_hosts_warnings(known);
    cr_assert_eq(warnings->len, 2);
    cr_expect(g_str_has_prefix(g_ptr_array_index(warnings, 0), "first:2: "), "%s",
              (const char *)g_ptr_array_index(warnings, 0));
    cr_expect(g_str_has_prefix(g_ptr_array_index(warnings, 1), "second:3: "), "%s",
              (const char *)g_ptr_array_index(warnings, 1));
}

Test(known_hosts, limits)
{
    /* A line of exactly the limit, and one byte more. */
    for (size_t over = 0; over < 2; over++) {
        g_autofree char *line = spell_out("a <A> ");
        g_autofree char *filler = g_strnfill(KNOWN_HOSTS_LINE_BYTES - strlen(line) + over, 'x');
        g_autofree char *file = g_strconcat(line, filler, "\n", NULL);
        g_autoptr(known_hosts_auto) known = known_hosts_new();
        known_hosts_parse(known, "k", file, strlen(file));
        cr_expect_eq(known_hosts_warnings(known)->len, over);
    }
    /* Warnings up to the limit are told, what is above is counted. */
    for (unsigned more = 0; more < 3; more++) {
        g_autoptr(GString) file = g_string_new(NULL);
        for (unsigned i = 0; i < KNOWN_HOSTS_WARNINGS + more; i++)
            g_string_append(file, "bad\n");
        g_autoptr(known_hosts_auto) known = known_hosts_new();
        known_hosts_parse(known, "k", file->str, file->len);
        const GPtrArray *warnings = known_hosts_warnings(known);
        cr_expect_eq(warnings->len, KNOWN_HOSTS_WARNINGS + (more > 0));
        if (more > 0) {
            g_autofree char *last = g_strdup_printf("and %u more lines", more);
            cr_expect(strstr(g_ptr_array_index(warnings, warnings->len - 1), last));
        }
    }
}

Test(known_hosts, load_says_what_is_missing)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(known_hosts_auto) known = known_hosts_new();
    cr_expect_not(known_hosts_load(known, "/nonexistent/known_hosts", &error));
    cr_assert_not_null(error);
    cr_expect(g_str_has_prefix(error->message, "/nonexistent/known_hosts: "), "%s", error->message);
}

/* What ssh-keygen writes is what we read: the same key under its own hash. */
Test(known_hosts, reads_what_ssh_keygen_hashed)
{
    if (access("/usr/bin/ssh-keygen", X_OK) != 0)
        cr_skip_test("no ssh-keygen");
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "known_hosts", NULL);
    g_autofree char *old = g_strconcat(path, ".old", NULL);
    g_autofree char *file = spell_out("app1.example.com,192.0.2.1 <A>\n[app1.example.com]:2222 <B>\n");
    cr_assert(g_file_set_contents(path, file, -1, NULL));
    const char *argv[] = {"ssh-keygen", "-q", "-H", "-f", path, NULL};
    int status = -1;
    cr_assert(g_spawn_sync(NULL, (char **)argv, NULL,
                           G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                           NULL, NULL, &status, NULL));
    g_autoptr(known_hosts_auto) known = known_hosts_new();
    cr_assert(known_hosts_load(known, path, NULL));
    static const struct {
        const char *address;
        uint16_t port;
        char key;
    } hosts[] = {{"app1.example.com", 22, 'A'}, {"192.0.2.1", 22, 'A'}, {"app1.example.com", 2222, 'B'}};
    for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autoptr(known_host_auto) host = known_host_find(known, hosts[i].address, NULL, hosts[i].port);
        g_autoptr(GByteArray) key = blob_of(hosts[i].key);
        struct known_hosts_answer answer;
        known_host_check(&answer, host, key->data, key->len);
        cr_expect_eq(answer.verdict, KNOWN_HOSTS_MATCH, "%s", hosts[i].address);
    }
    g_unlink(path);
    g_unlink(old);
    g_rmdir(folder);
}

/* However the file is cut or flipped, the reading ends well; and no key is ever taken for another one. */
Test(known_hosts, truncations_and_flips)
{
    g_autofree char *file =
        spell_out("a,[a]:2222 <A>\n*.b,!c.b <B>\n<#a> <A>\n@revoked * <C>\n@cert-authority d <E>\n");
    size_t size = strlen(file);
    unsigned refused = 0, unknown = 0;
    g_autoptr(GByteArray) key = blob_of('A');

    for (size_t i = 0; i < 3 * size; i++) {
        g_autofree uint8_t *copy = g_malloc(size); /* without a NUL behind it, so that reading on is seen */
        memcpy(copy, file, size);
        size_t length = size;
        if (i < size)
            length = i;
        else
            copy[i % size] ^= i < 2 * size ? 0x01 : 0x80;
        g_autofree uint8_t *exact = g_memdup2(copy, length ? length : 1);
        g_autoptr(known_hosts_auto) known = known_hosts_new();
        known_hosts_parse(known, "k", exact, length);
        refused += known_hosts_warnings(known)->len;
        g_autoptr(known_host_auto) host = known_host_find(known, "a", NULL, 22);
        struct known_hosts_answer answer;
        known_host_check(&answer, host, key->data, key->len);
        unknown += answer.verdict != KNOWN_HOSTS_MATCH;
        g_autoptr(GByteArray) never = blob_of('Z');
        known_host_check(&answer, host, never->data, never->len);
        cr_expect_neq(answer.verdict, KNOWN_HOSTS_MATCH, "byte %zu", i);
    }
    cr_expect_gt(refused, 100);
    cr_expect_gt(unknown, 10);
}
