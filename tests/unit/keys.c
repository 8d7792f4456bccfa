/* collector/: key files, private keys, the agent, and which of them a log-in may try. */
#include "agent.h"
#include "arena.h"
#include "key_file.h"
#include "keyring.h"
#include "private_key.h"
#include "secrecy.h"
#include "signer.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void run_command(const char *const *argv)
{
    int status = -1;
    cr_assert(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                           NULL, NULL, &status, NULL));
    cr_assert_eq(status, 0, "%s", argv[0]);
}

static char *make_folder(void)
{
    g_autofree char *program = g_find_program_in_path("ssh-keygen");
    if (!program)
        cr_skip_test("no ssh-keygen on this machine");
    return g_dir_make_tmp("trustgap-XXXXXX", NULL);
}

static void remove_folder(char *folder)
{
    run_command((const char *const[]){"rm", "-rf", "--", folder, NULL});
    g_free(folder);
}

static char *make_key(const char *folder, const char *type, const char *bits, const char *form, const char *passphrase)
{
    char *path = g_build_filename(folder, type, NULL);
    g_unlink(path);
    if (*bits)
        run_command((const char *const[]){"ssh-keygen", "-q", "-t", type, "-b", bits, "-m", form, "-N", passphrase,
                                          "-f", path, NULL});
    else
        run_command(
            (const char *const[]){"ssh-keygen", "-q", "-t", type, "-m", form, "-N", passphrase, "-f", path, NULL});
    return path;
}

static GBytes *public_blob(const char *path)
{
    g_autofree char *file = g_strconcat(path, ".pub", NULL);
    g_autofree char *text = NULL;
    cr_assert(g_file_get_contents(file, &text, NULL, NULL));
    g_auto(GStrv) words = g_strsplit(text, " ", 3);
    gsize size;
    guchar *blob = g_base64_decode(words[1], &size);
    return g_bytes_new_take(blob, size);
}

static const struct {
    const char *type, *bits, *form;
} kinds[] = {
    {"ed25519", "", "RFC4716"},  {"ecdsa", "256", "RFC4716"}, {"ecdsa", "256", "PEM"}, {"ecdsa", "256", "PKCS8"},
    {"ecdsa", "384", "RFC4716"}, {"ecdsa", "521", "RFC4716"}, {"ecdsa", "521", "PEM"}, {"rsa", "2048", "RFC4716"},
    {"rsa", "2048", "PEM"},      {"rsa", "2048", "PKCS8"},
};

Test(keys, every_kind_shows_its_public_half)
{
    char *folder = make_folder();
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = make_key(folder, kinds[i].type, kinds[i].bits, kinds[i].form, "");
        g_autoptr(key_file_auto) file = key_file_load(path);
        g_autoptr(GBytes) expected = public_blob(path);
        cr_expect_eq(file->status, KEY_FILE_USABLE, "%s %s %s: %s", kinds[i].type, kinds[i].bits, kinds[i].form,
                     file->why);
        cr_assert_not_null(file->public_key);
        cr_expect(g_bytes_equal(file->public_key, expected), "%s %s %s", kinds[i].type, kinds[i].bits, kinds[i].form);
    }
    remove_folder(folder);
}

/* What SSH signs in a log-in, with this algorithm. */
static GByteArray *login_data(const char *algorithm)
{
    GByteArray *data = g_byte_array_new();
    static const uint8_t request = 50, yes = 1;

    wire_append_string(data, "session", 7);
    g_byte_array_append(data, &request, 1);
    wire_append_string(data, "user", 4);
    wire_append_string(data, "ssh-connection", 14);
    wire_append_string(data, "publickey", 9);
    g_byte_array_append(data, &yes, 1);
    wire_append_string(data, algorithm, strlen(algorithm));
    wire_append_string(data, "blob", 4);
    return data;
}

/* With libssh2 1.10 an RSA key signs with SHA-1; with 1.11 the algorithm is named in what is signed. */
Test(keys, rsa_signs_with_the_digest_that_is_asked_for)
{
    static const struct {
        const char *algorithm;
        const EVP_MD *(*digest)(void);
    } rows[] = {{"ssh-rsa", EVP_sha1}, {"rsa-sha2-256", EVP_sha256}, {"rsa-sha2-512", EVP_sha512}};

    char *folder = make_folder();
    for (int form = 0; form < 2; form++) {
        g_autofree char *path = make_key(folder, "rsa", "2048", form ? "PEM" : "RFC4716", "");
        g_autofree char *pem = g_build_filename(folder, "pem", NULL);
        g_autofree char *script = g_strdup_printf("ssh-keygen -e -m PKCS8 -f %s.pub >%s", path, pem);
        run_command((const char *const[]){"sh", "-c", script, NULL});
        FILE *stream = fopen(pem, "re");
        EVP_PKEY *public = PEM_read_PUBKEY(stream, NULL, NULL, NULL);
        fclose(stream);
        cr_assert_not_null(public);
        g_autoptr(key_file_auto) file = key_file_load(path);
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
            g_autoptr(GByteArray) data = login_data(rows[i].algorithm);
            g_autoptr(GBytes) signature = private_key_sign(file->key, data->data, data->len, NULL);
            cr_assert_not_null(signature);
            gsize size;
            const void *bytes = g_bytes_get_data(signature, &size);
            for (size_t k = 0; k < G_N_ELEMENTS(rows); k++) {
                EVP_MD_CTX *verifier = EVP_MD_CTX_new();
                EVP_DigestVerifyInit(verifier, NULL, rows[k].digest(), NULL, public);
                cr_expect_eq(EVP_DigestVerify(verifier, bytes, size, data->data, data->len) == 1, i == k, "%s, %s",
                             rows[i].algorithm, rows[k].algorithm);
                EVP_MD_CTX_free(verifier);
            }
        }
        EVP_PKEY_free(public);
    }
    remove_folder(folder);
}

Test(keys, refused_files)
{
    static const struct {
        const char *what, *text, *why;
        enum key_file_status status;
    } rows[] = {
        {"empty", "", "is no private key in PEM form", KEY_FILE_UNUSABLE},
        {"text", "hello\n", "is no private key in PEM form", KEY_FILE_UNUSABLE},
        {"public key", "ssh-ed25519 AAAA comment\n", "is a public key", KEY_FILE_UNUSABLE},
        {"no end", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "it has no end", KEY_FILE_UNUSABLE},
        {"no key in it", "-----BEGIN OPENSSH PRIVATE KEY-----\n-----END OPENSSH PRIVATE KEY-----\n",
         "it does not begin as an OpenSSH key", KEY_FILE_UNUSABLE},
        {"cut off", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n",
         "it is cut off", KEY_FILE_UNUSABLE},
        {"PEM in garbage", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is damaged",
         KEY_FILE_UNUSABLE},
        {"a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "is damaged",
         KEY_FILE_UNUSABLE},
        {"enciphered, old form",
         "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA "
         "PRIVATE "
         "KEY-----\n",
         "add it to ssh-agent", KEY_FILE_ENCRYPTED},
        {"enciphered, PKCS 8", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
         "add it to ssh-agent", KEY_FILE_ENCRYPTED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(key_file_auto) file = key_file_parse("key", rows[i].text, strlen(rows[i].text));
        cr_expect_eq(file->status, rows[i].status, "%s", rows[i].what);
        cr_assert_not_null(file->why);
        cr_expect(g_str_has_prefix(file->why, "key: ") && strstr(file->why, rows[i].why), "%s: %s", rows[i].what,
                  file->why);
        cr_expect_null(file->key);
    }
    g_autoptr(key_file_auto) nul = key_file_parse("key", "-----BEGIN \0", 12);
    cr_expect_eq(nul->status, KEY_FILE_UNUSABLE);
    g_autoptr(key_file_auto) missing = key_file_load("/nonexistent/key");
    cr_expect_eq(missing->status, KEY_FILE_MISSING);
    g_autoptr(key_file_auto) below_a_file = key_file_load("/etc/passwd/key");
    cr_expect_eq(below_a_file->status, KEY_FILE_MISSING);
    g_autoptr(key_file_auto) folder = key_file_load("/");
    cr_expect_eq(folder->status, KEY_FILE_UNUSABLE);
    g_autoptr(key_file_auto) large = key_file_load("/dev/zero");
    cr_expect_eq(large->status, KEY_FILE_UNUSABLE);

    /* A pipe, as the file and beside it: nobody waits for a writer. */
    char *place = make_folder();
    g_autofree char *pipe = g_build_filename(place, "pipe", NULL), *public = g_build_filename(place, "key.pub", NULL);
    g_autofree char *key = g_build_filename(place, "key", NULL);
    cr_assert(mkfifo(pipe, 0600) == 0 && mkfifo(public, 0600) == 0);
    cr_assert(g_file_set_contents(key, rows[8].text, -1, NULL));
    g_autoptr(key_file_auto) waiting = key_file_load(pipe);
    cr_expect_eq(waiting->status, KEY_FILE_UNUSABLE);
    cr_expect(strstr(waiting->why, "not a regular file"), "%s", waiting->why);
    g_autoptr(key_file_auto) beside = key_file_load(key);
    cr_expect_eq(beside->status, KEY_FILE_ENCRYPTED);
    cr_expect_null(beside->public_key);
    remove_folder(place);
}

static long locked_kib(void)
{
    g_autofree char *status = NULL;
    cr_assert(g_file_get_contents("/proc/self/status", &status, NULL, NULL));
    const char *line = strstr(status, "VmLck:");
    return line ? atol(line + strlen("VmLck:")) : 0;
}

/* No core, no ptrace, and the secret parts of keys in memory that isn't swapped; afterwards as before. */
Test(keys, secrecy)
{
    g_autoptr(GPtrArray) hosts = g_ptr_array_new();
    struct inventory inventory = {.hosts = hosts};
    struct secrecy before;
    struct rlimit core = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY}, now;
    struct rlimit lock = {0};
    cr_assert_eq(setrlimit(RLIMIT_CORE, &core), 0);
    getrlimit(RLIMIT_MEMLOCK, &lock);
    prctl(PR_SET_DUMPABLE, 1);

    secrecy_begin(&before, &inventory);
    cr_expect_eq(prctl(PR_GET_DUMPABLE), 0);
    cr_assert_eq(getrlimit(RLIMIT_CORE, &now), 0);
    cr_expect_eq(now.rlim_cur, 0);
    if (geteuid() == 0 || lock.rlim_cur >= SECRECY_HEAP_BYTES)
        cr_expect_geq(locked_kib(), (long)(SECRECY_HEAP_BYTES / 1024));
    char *folder = make_folder();
    cr_expect_eq(CRYPTO_secure_used(), 0);
    static const struct {
        const char *type, *bits, *form;
    } secret[] = {{"ed25519", "", "RFC4716"}, {"ecdsa", "256", "RFC4716"}, {"rsa", "2048", "RFC4716"}};
    for (size_t i = 0; i < G_N_ELEMENTS(secret); i++) {
        g_autofree char *path = make_key(folder, secret[i].type, secret[i].bits, secret[i].form, "");
        struct key_file *file = key_file_load(path);
        cr_expect_eq(file->status, KEY_FILE_USABLE, "%s", file->why);
        if (strcmp(secret[i].type, "ecdsa") == 0) /* of the others OpenSSL 3.0 keeps nothing there */
            cr_expect_gt(CRYPTO_secure_used(), 0);
        key_file_free(file);
        cr_expect_eq(CRYPTO_secure_used(), 0, "%s", secret[i].type);
    }
    secrecy_end(&before);
    cr_expect_eq(prctl(PR_GET_DUMPABLE), 1);
    cr_assert_eq(getrlimit(RLIMIT_CORE, &now), 0);
    cr_expect_eq(now.rlim_cur, 4096);
    remove_folder(folder);
}

/* There is room for as many keys as an inventory names: OpenSSL would take no other memory. */
Test(keys, secrecy_of_many_keys)
{
    enum { FILES = 60 };
    g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func(g_free);
    struct inventory inventory = {.hosts = hosts};
    char *folder = make_folder();
    g_autofree char *path = make_key(folder, "rsa", "4096", "RFC4716", "");
    struct secrecy before;
    char *names[FILES] = {NULL};
    struct key_file *files[FILES];
    for (unsigned i = 0; i < FILES; i++) {
        struct inventory_host *host = g_new0(struct inventory_host, 1);
        names[i] = host->key_file = g_strdup_printf("key%u", i);
        g_ptr_array_add(hosts, host);
    }
    secrecy_begin(&before, &inventory);
    for (unsigned i = 0; i < FILES; i++) {
        files[i] = key_file_load(path);
        cr_expect_eq(files[i]->status, KEY_FILE_USABLE, "%u: %s", i, files[i]->why);
    }
    for (unsigned i = 0; i < FILES; i++)
        key_file_free(files[i]);
    secrecy_end(&before);
    for (unsigned i = 0; i < FILES; i++)
        g_free(names[i]);
    remove_folder(folder);
}

Test(keys, encrypted_ones_show_their_public_half)
{
    static const struct {
        const char *type, *form;
    } encrypted[] = {{"ed25519", "RFC4716"}, {"ecdsa", "PEM"}, {"rsa", "PKCS8"}};

    char *folder = make_folder();
    for (size_t i = 0; i < G_N_ELEMENTS(encrypted); i++) {
        g_autofree char *path = make_key(folder, encrypted[i].type, "", encrypted[i].form, "secret");
        g_autoptr(key_file_auto) file = key_file_load(path);
        g_autoptr(GBytes) expected = public_blob(path);
        cr_expect_eq(file->status, KEY_FILE_ENCRYPTED, "%s", encrypted[i].type);
        cr_assert_not_null(file->public_key, "%s", encrypted[i].type);
        cr_expect(g_bytes_equal(file->public_key, expected), "%s", encrypted[i].type);
    }
    remove_folder(folder);
}

Test(keys, truncations_and_flips)
{
    unsigned refused = 0, used = 0;
    char *folder = make_folder();

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].type, "rsa") == 0 && strcmp(kinds[i].form, "RFC4716") != 0)
            continue; /* OpenSSL's own reader has its own tests */
        g_autofree char *path = make_key(folder, kinds[i].type, kinds[i].bits, kinds[i].form, "");
        g_autofree char *text = NULL;
        gsize size;
        cr_assert(g_file_get_contents(path, &text, &size, NULL));
        for (size_t k = 0; k < 2 * size; k += 3) {
            g_autofree char *copy = g_memdup2(text, size);
            gsize length = k < size ? k : size;
            if (k >= size)
                copy[k - size] ^= 0x04;
            g_autofree char *exact = g_memdup2(copy, MAX(length, 1));
            g_autoptr(key_file_auto) file = key_file_parse("key", exact, length);
            cr_expect_eq(file->key != NULL, file->status == KEY_FILE_USABLE);
            refused += file->status != KEY_FILE_USABLE;
            used += file->status == KEY_FILE_USABLE;
            if (file->key) /* whatever it is now, it signs or says why not */
                g_bytes_unref(private_key_sign(file->key, "x", 1, NULL) ?: g_bytes_new(NULL, 0));
        }
    }
    cr_expect_gt(refused, 500);
    cr_expect_gt(used, 10); /* a flipped comment, the line feed at the end */
    remove_folder(folder);
}

/* Which keys are tried. */

static void write_key(const char *home, const char *name, const char *passphrase)
{
    g_autofree char *ssh = g_build_filename(home, ".ssh", NULL);
    g_autofree char *path = g_build_filename(ssh, name, NULL);
    g_mkdir(ssh, 0700);
    run_command((const char *const[]){"ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", path, NULL});
}

Test(keys, default_files)
{
    char *home = make_folder();
    struct keyring *keyring = keyring_new(home, NULL);
    struct inventory_host host = {0};
    g_autoptr(GString) remarks = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    cr_expect_null(keyring_identities(keyring, &host, remarks, &error));
    cr_assert_not_null(error);
    cr_expect(g_str_has_prefix(error->message, "no key to log in with: "), "%s", error->message);
    keyring_free(keyring);

    write_key(home, "id_rsa", "");
    write_key(home, "id_ed25519", "");
    write_key(home, "id_ecdsa", "secret");
    keyring = keyring_new(home, NULL);
    g_autoptr(GPtrArray) identities = keyring_identities(keyring, &host, remarks, NULL);
    cr_assert_eq(identities->len, 2);
    const struct identity *first = g_ptr_array_index(identities, 0);
    cr_expect(g_str_has_suffix(first->file->path, "/id_ed25519"));
    cr_expect(strstr(remarks->str, "/id_ecdsa: is encrypted"), "%s", remarks->str);
    keyring_free(keyring);
    remove_folder(home);
}

/* An agent as we want it. */

struct false_agent {
    int fd;
    const uint8_t *answer;
    size_t answer_bytes;
    uint8_t question[4096];
    size_t question_bytes;
};

static void *answer_once(void *data)
{
    struct false_agent *agent = data;
    int fd = accept4(agent->fd, NULL, NULL, SOCK_CLOEXEC);
    ssize_t got = recv(fd, agent->question, sizeof agent->question, 0);
    agent->question_bytes = got > 0 ? (size_t)got : 0;
    send(fd, agent->answer, agent->answer_bytes, MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static GThread *start_false_agent(struct false_agent *agent, const char *path, const void *answer, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    g_unlink(path);
    agent->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(agent->fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(agent->fd, 1) == 0);
    agent->answer = answer;
    agent->answer_bytes = size;
    return g_thread_new("agent", answer_once, agent);
}

static const struct {
    const char *what;
    const uint8_t answer[64];
    size_t size;
    const char *error; /* NULL: well */
    guint identities;
} answers[] = {
    {"no keys", {0, 0, 0, 5, 12, 0, 0, 0, 0}, 9, NULL, 0},
    {"one key", {0, 0, 0, 21, 12, 0, 0, 0, 1, 0, 0, 0, 6, 0, 0, 0, 2, 'a', 'b', 0, 0, 0, 2, 'c', 'd'}, 25, NULL, 1},
    {"a key that is no blob", {0, 0, 0, 15, 12, 0, 0, 0, 1, 0, 0, 0, 2, 'a', 'b', 0, 0, 0, 0}, 19, "cut off", 0},
    {"more keys than there are", {0, 0, 0, 5, 12, 0, 0, 0, 1}, 9, "cut off", 0},
    {"no count", {0, 0, 0, 3, 12, 0, 0}, 7, "cut off", 0},
    {"cut off", {0, 0, 0, 5, 12, 0}, 6, "ended the connection", 0},
    {"nothing", {0}, 0, "ended the connection", 0},
    {"refused", {0, 0, 0, 1, 5}, 5, "refused", 0},
    {"empty", {0, 0, 0, 0}, 4, "impossible size", 0},
    {"too large", {0, 4, 0, 1, 12}, 5, "impossible size", 0},
    {"another answer", {0, 0, 0, 5, 14, 0, 0, 0, 0}, 9, "refused", 0},
};

Test(keys, answers_of_an_agent)
{
    char *folder = make_folder();
    g_autofree char *path = g_build_filename(folder, "agent", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        struct false_agent false_agent = {0};
        GThread *thread = start_false_agent(&false_agent, path, answers[i].answer, answers[i].size);
        struct agent *agent = agent_new(path);
        g_autoptr(GError) error = NULL;
        const GPtrArray *identities = agent_identities(agent, &error);
        cr_expect_eq(identities != NULL, answers[i].error == NULL, "%s", answers[i].what);
        if (identities)
            cr_expect_eq(identities->len, answers[i].identities, "%s", answers[i].what);
        else
            cr_expect(strstr(error->message, answers[i].error), "%s: %s", answers[i].what, error->message);
        agent_free(agent);
        g_thread_join(thread);
        close(false_agent.fd);
    }
    remove_folder(folder);
}

Test(keys, agent_signs_with_the_digest_that_is_asked_for)
{
    static const uint8_t answer[] = {0, 0,   0,   20,  14,  0, 0, 0, 15, 0,   0,   0,
                                     4, 't', 'y', 'p', 'e', 0, 0, 0, 3,  'a', 'b', 'c'};
    static const struct {
        const char *algorithm;
        uint8_t flags;
    } rows[] = {{"ssh-rsa", 0}, {"rsa-sha2-256", 2}, {"rsa-sha2-512", 4}, {"ssh-ed25519", 0}};

    char *folder = make_folder();
    g_autofree char *path = g_build_filename(folder, "agent", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct false_agent false_agent = {0};
        GThread *thread = start_false_agent(&false_agent, path, answer, sizeof answer);
        struct agent *agent = agent_new(path);
        g_autoptr(GBytes) blob = g_bytes_new_static("blob", 4);
        struct agent_identity identity = {.public_key = blob};
        g_autoptr(GByteArray) data = login_data(rows[i].algorithm);
        g_autoptr(GBytes) signature = agent_sign(agent, &identity, data->data, data->len, NULL);
        g_thread_join(thread);
        cr_assert_not_null(signature);
        cr_expect_eq(g_bytes_get_size(signature), 3);
        cr_assert_gt(false_agent.question_bytes, data->len);
        cr_expect_eq(false_agent.question[false_agent.question_bytes - 1], rows[i].flags, "%s", rows[i].algorithm);
        agent_free(agent);
        close(false_agent.fd);
    }
    remove_folder(folder);
}

struct told {
    unsigned count;
    uint32_t sequences[2];
    gboolean signatures[2];
};

static void on_signature(void *context, uint32_t host, uint32_t sequence, GBytes *signature, const char *why)
{
    struct told *told = context;

    cr_assert_lt(told->count, 2);
    cr_expect_eq(host, 7);
    cr_expect_eq(signature == NULL, why != NULL);
    told->sequences[told->count] = sequence;
    told->signatures[told->count++] = signature != NULL;
}

/* Nobody waits for an agent: this one doesn't even take the connection before both questions were asked. */
Test(keys, signer_answers_later_and_in_order)
{
    static const uint8_t answer[] = {0, 0,   0,   20,  14,  0, 0, 0, 15, 0,   0,   0,
                                     4, 't', 'y', 'p', 'e', 0, 0, 0, 3,  'a', 'b', 'c'};
    char *folder = make_folder();
    g_autofree char *path = g_build_filename(folder, "agent", NULL);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0);
    struct agent *agent = agent_new(path);
    g_autoptr(GBytes) blob = g_bytes_new_static("blob", 4);
    const struct agent_identity identity = {.public_key = blob};
    struct told told = {0};
    uint8_t question[4096];
    uv_loop_t loop;

    uv_loop_init(&loop);
    struct signer *signer = signer_new(agent, &loop, on_signature, &told);
    signer_sign(signer, 7, 1, &identity, "data", 4);
    signer_sign(signer, 7, 2, &identity, "data", 4);
    uv_run(&loop, UV_RUN_NOWAIT);
    cr_expect_eq(told.count, 0);
    int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    cr_assert_gt(recv(connection, question, sizeof question, 0), 0);
    cr_assert_eq(send(connection, answer, sizeof answer, MSG_NOSIGNAL), (ssize_t)sizeof answer);
    cr_assert_gt(recv(connection, question, sizeof question, 0), 0);
    close(connection); /* no answer to the second one */
    while (told.count < 2)
        uv_run(&loop, UV_RUN_ONCE);
    cr_expect_eq(told.sequences[0], 1);
    cr_expect_eq(told.sequences[1], 2);
    cr_expect(told.signatures[0] && !told.signatures[1]);
    signer_free(signer);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(&loop), 0);
    agent_free(agent);
    close(fd);
    remove_folder(folder);
}

Test(keys, agent_that_is_not_there_is_asked_once)
{
    struct agent *agent = agent_new("/nonexistent/agent");
    g_autoptr(GError) first = NULL;
    g_autoptr(GError) second = NULL;
    cr_expect_null(agent_identities(agent, &first));
    cr_expect(strstr(first->message, "No such file"), "%s", first->message);
    cr_expect_null(agent_identities(agent, &second));
    cr_expect(strstr(second->message, "not asked again"), "%s", second->message);
    agent_free(agent);

    g_autofree char *long_path = g_strnfill(200, 'x');
    g_autoptr(GError) third = NULL;
    agent = agent_new(long_path);
    cr_expect_null(agent_identities(agent, &third));
    cr_expect(strstr(third->message, "too long"));
    agent_free(agent);
}

/* Memory of a session. */

Test(arena, gives_back_what_was_lost)
{
    struct arena *arena = arena_new();
    char *kept = NULL;
    for (int i = 0; i < 100; i++) {
        char *memory = arena_take(arena, 100);
        memset(memory, i, 100);
        if (i % 3 == 0)
            arena_give(arena, memory);
        if (i == 50)
            kept = memory;
    }
    kept = arena_resize(arena, kept, 10000);
    for (int i = 0; i < 100; i++)
        cr_expect_eq(kept[i], 50);
    kept = arena_resize(arena, kept, 10);
    cr_expect_eq(kept[9], 50);
    cr_expect_not_null(arena_resize(arena, NULL, 5));
    arena_give(arena, NULL);
    arena_free(arena); /* the leak checker sees the rest */
    arena_free(NULL);
}

Test(arena, limit)
{
    struct arena *arena = arena_new();
    char *half = arena_take(arena, ARENA_BYTES / 2);
    cr_assert_not_null(half);
    cr_expect_null(arena_take(arena, ARENA_BYTES / 2 + 1));
    char *rest = arena_take(arena, ARENA_BYTES / 2);
    cr_assert_not_null(rest);
    cr_expect_null(arena_take(arena, 1));
    cr_expect_null(arena_resize(arena, rest, ARENA_BYTES / 2 + 1));
    cr_expect_null(arena_take(arena, SIZE_MAX));
    arena_give(arena, half);
    cr_expect_not_null(arena_resize(arena, rest, ARENA_BYTES));
    arena_free(arena);
}
