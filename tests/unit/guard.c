/* collector/guard, message, order: what a worker may say, and how the parent and its workers say it. */
#include "guard.h"

#include "collector.h"
#include "means.h"
#include "order.h"
#include "wire.h"

#include <criterion/criterion.h>
#include <string.h>

#define HOST  7
#define OTHER 8
#define USER  "audit"

/* What the guard let through, as words. */
struct heard {
    GString *words;
    gboolean confirm; /* what known_hosts says */
};

static void hear(void *context, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void hear(void *context, const char *format, ...)
{
    struct heard *heard = context;
    va_list args;

    va_start(args, format);
    g_string_append_vprintf(heard->words, format, args);
    va_end(args);
    g_string_append_c(heard->words, ' ');
}

static void on_state(void *context, void *data, const char *from, const char *to)
{
    (void)data;
    hear(context, "state:%s:%s", from, to);
}

static void on_admitted(void *context, void *data)
{
    (void)data;
    hear(context, "admitted");
}

static void on_look_up(void *context, void *data, uint32_t sequence)
{
    (void)data;
    (void)sequence;
    hear(context, "look-up");
}

static gboolean on_host_key(void *context, void *data, uint32_t sequence, const struct wire *blob)
{
    const struct heard *heard = context;
    (void)data;
    (void)sequence;
    hear(context, "key:%.*s", (int)blob->left, (const char *)blob->at);
    return heard->confirm;
}

static void on_sign(void *context, void *data, uint32_t sequence, unsigned identity, const struct wire *request)
{
    (void)data;
    (void)sequence;
    (void)request;
    hear(context, "sign:%u", identity);
}

static void on_object(void *context, void *data, uint32_t number)
{
    (void)data;
    hear(context, "object:%u", number);
}

static void on_bytes(void *context, void *data, uint32_t number, const struct wire *bytes)
{
    (void)data;
    hear(context, "bytes:%u:%zu", number, bytes->left);
}

static void on_finish(void *context, void *data, uint32_t number)
{
    (void)data;
    hear(context, "finish:%u", number);
}

static void on_drop(void *context, void *data, uint32_t number)
{
    (void)data;
    hear(context, "drop:%u", number);
}

static void on_line(void *context, void *data, struct capture_host *line)
{
    (void)data;
    hear(context, "line:%s", line->name);
    capture_host_free(line);
}

static const struct guard_events events = {on_state,  on_admitted, on_look_up, on_host_key, on_sign,
                                           on_object, on_bytes,    on_finish,  on_drop,     on_line};

/* A key blob: its type, and something behind it. */
static GBytes *key_of(const char *type, const char *rest)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    wire_append_string(bytes, type, strlen(type));
    wire_append_string(bytes, rest, strlen(rest));
    return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

struct scene {
    struct heard heard;
    struct guard *guard;
    GByteArray *said; /* what the worker says */
};

static void scene_open(struct scene *scene)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    *scene = (struct scene){.heard = {.words = g_string_new(NULL), .confirm = TRUE}, .said = g_byte_array_new()};
    g_ptr_array_add(keys, key_of("ssh-ed25519", "first"));
    g_ptr_array_add(keys, key_of("ssh-rsa", "second"));
    scene->guard = guard_new(1000, &events, &scene->heard);
    guard_add(scene->guard, HOST, USER, keys, &scene->heard);
}

static void scene_close(struct scene *scene)
{
    guard_free(scene->guard);
    g_byte_array_unref(scene->said);
    g_string_free(scene->heard.words, TRUE);
}

/* Hand over all that was said; why it is not let through, or "". */
static char *take_all(struct scene *scene)
{
    struct wire bytes = {scene->said->data, scene->said->len};
    struct message message;
    g_autoptr(GError) error = NULL;
    enum message_result result;

    while (!error && (result = message_take(&bytes, &message)) == MESSAGE_TAKEN)
        cr_expect_eq(guard_take(scene->guard, &message, &error), error == NULL);
    g_byte_array_set_size(scene->said, 0);
    return g_strdup(error ? error->message : result == MESSAGE_BAD ? "bad" : "");
}

static void say_number(struct scene *scene, enum message_kind kind, uint32_t host, uint32_t number)
{
    guint begin = message_begin(scene->said, kind, host);
    wire_append_u32(scene->said, number);
    message_end(scene->said, begin);
}

static void say_bytes(struct scene *scene, enum message_kind kind, uint32_t number, size_t size)
{
    g_autofree uint8_t *zeros = g_malloc0(MAX(size, 1));
    guint begin = message_begin(scene->said, kind, HOST);
    wire_append_u32(scene->said, number);
    g_byte_array_append(scene->said, zeros, (guint)size);
    message_end(scene->said, begin);
}

static void say_key(struct scene *scene)
{
    guint begin = message_begin(scene->said, MESSAGE_HOST_KEY, HOST);
    wire_append_u32(scene->said, 1);
    wire_append_string(scene->said, "blob", 4);
    message_end(scene->said, begin);
}

/* A login that is to be signed; what is NULL or 0 here is as it should be. */
struct login {
    const char *what;
    const char *session_id, *user, *service, *method, *algorithm, *type, *rest;
    uint8_t message, flag;  /* flag: 2 stands for FALSE */
    unsigned identity, cut; /* cut: so many bytes off the end */
    gboolean more;          /* a byte behind it */
    gboolean unconfirmed, no_key;
    const char *why; /* NULL: it is let through */
};

static void append_text(GByteArray *bytes, const char *text, const char *usual)
{
    wire_append_string(bytes, text ? text : usual, strlen(text ? text : usual));
}

static void say_login(struct scene *scene, const struct login *login)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    uint8_t type = login->message ? login->message : 50, flag = login->flag ? login->flag % 2 : 1;
    gboolean rsa = login->identity == 1;
    const char *key_type = login->type ? login->type : rsa ? "ssh-rsa" : "ssh-ed25519";
    g_autoptr(GBytes) key = key_of(key_type, login->rest ? login->rest : rsa ? "second" : "first");
    gsize size;
    const void *blob = g_bytes_get_data(key, &size);

    append_text(data, login->session_id, "session");
    g_byte_array_append(data, &type, 1);
    append_text(data, login->user, USER);
    append_text(data, login->service, "ssh-connection");
    append_text(data, login->method, "publickey");
    g_byte_array_append(data, &flag, 1);
    append_text(data, login->algorithm, key_type);
    wire_append_string(data, blob, size);
    if (login->more)
        g_byte_array_append(data, &flag, 1);
    guint begin = message_begin(scene->said, MESSAGE_SIGN, HOST);
    wire_append_u32(scene->said, 1);
    wire_append_u32(scene->said, login->identity);
    wire_append_string(scene->said, data->data, data->len - login->cut);
    message_end(scene->said, begin);
}

#define NO_LOGIN "what is no login to this host"

static const struct login logins[] = {
    {.what = "as libssh2 has it signed"},
    {.what = "the second key", .identity = 1},
    {.what = "RSA with SHA-2", .identity = 1, .algorithm = "rsa-sha2-256"},
    {.what = "RSA with the other SHA-2", .identity = 1, .algorithm = "rsa-sha2-512"},
    {.what = "ed25519 as RSA", .algorithm = "rsa-sha2-256", .why = NO_LOGIN},
    {.what = "a host whose key is not known", .unconfirmed = TRUE, .why = "whose key was not confirmed"},
    {.what = "a host that has shown no key", .no_key = TRUE, .why = "whose key was not confirmed"},
    {.what = "a key that is for others", .identity = 2, .why = "a key that is not for this host"},
    {.what = "another user", .user = "root", .why = NO_LOGIN},
    {.what = "a longer user", .user = USER "x", .why = NO_LOGIN},
    {.what = "no user", .user = "", .why = NO_LOGIN},
    {.what = "another service", .service = "ssh-userauth", .why = NO_LOGIN},
    {.what = "another method", .method = "hostbased", .why = NO_LOGIN},
    {.what = "another message", .message = 51, .why = NO_LOGIN},
    {.what = "no signature wanted", .flag = 2, .why = NO_LOGIN},
    {.what = "another key in the request", .rest = "third", .why = NO_LOGIN},
    {.what = "the other key in the request", .type = "ssh-rsa", .rest = "second", .why = NO_LOGIN},
    {.what = "another algorithm", .algorithm = "ssh-dss", .why = NO_LOGIN},
    {.what = "no algorithm", .algorithm = "", .why = NO_LOGIN},
    {.what = "no session", .session_id = "", .why = NO_LOGIN},
    {.what = "a session of 64 bytes", .session_id = "0123456789012345678901234567890123456789012345678901234567890123"},
    {.what = "a longer session",
     .session_id = "01234567890123456789012345678901234567890123456789012345678901234",
     .why = NO_LOGIN},
    {.what = "something behind it", .more = TRUE, .why = NO_LOGIN},
    {.what = "cut off", .cut = 1, .why = NO_LOGIN},
};

Test(guard, only_logins_are_signed)
{
    for (size_t i = 0; i < G_N_ELEMENTS(logins); i++) {
        struct scene scene;
        scene_open(&scene);
        scene.heard.confirm = !logins[i].unconfirmed;
        if (!logins[i].no_key)
            say_key(&scene);
        say_login(&scene, &logins[i]);
        g_autofree char *why = take_all(&scene);
        cr_expect(logins[i].why ? strstr(why, logins[i].why) != NULL : *why == '\0', "%s: %s", logins[i].what, why);
        cr_expect_eq(strstr(scene.heard.words->str, "sign:") != NULL, logins[i].why == NULL, "%s", logins[i].what);
        scene_close(&scene);
    }
}

/* Every byte of a request counts: none may be another one. */
Test(guard, no_byte_of_a_login_may_differ)
{
    struct scene scene;
    unsigned refused = 0;
    scene_open(&scene);
    say_key(&scene);
    guint key_bytes = scene.said->len;
    say_login(&scene, &logins[0]);
    g_autoptr(GByteArray) good = g_byte_array_ref(scene.said);
    guint session = key_bytes + MESSAGE_HEAD_BYTES + 4 + 4 + 4 + 4; /* sequence, identity, two lengths */
    scene_close(&scene);
    for (guint at = key_bytes + MESSAGE_HEAD_BYTES + 4; at < good->len; at++) {
        if (at >= session && at < session + strlen("session"))
            continue; /* whatever the key exchange made it */
        scene_open(&scene);
        g_byte_array_append(scene.said, good->data, good->len);
        scene.said->data[at] ^= 1;
        g_autofree char *why = take_all(&scene);
        refused += *why != '\0';
        cr_expect_null(strstr(scene.heard.words->str, "sign:"), "byte %u", at);
        scene_close(&scene);
    }
    cr_expect_gt(refused, 50);
}

Test(guard, one_connection_has_one_session)
{
    static const struct login other = {.session_id = "another"};
    struct scene scene;
    scene_open(&scene);
    say_key(&scene);
    say_login(&scene, &logins[0]);
    say_login(&scene, &logins[1]);
    say_key(&scene); /* connected again */
    say_login(&scene, &other);
    g_autofree char *why = take_all(&scene);
    cr_expect_str_eq(why, "");
    say_login(&scene, &logins[0]);
    g_autofree char *then = take_all(&scene);
    cr_expect(strstr(then, "two sessions on one connection"), "%s", then);
    scene_close(&scene);
}

/* A host key that known_hosts does not confirm takes back what it confirmed before. */
Test(guard, confirmed_once_is_not_confirmed_for_ever)
{
    struct scene scene;
    scene_open(&scene);
    say_key(&scene);
    g_autofree char *first = take_all(&scene);
    cr_expect_str_eq(first, "");
    scene.heard.confirm = FALSE;
    say_key(&scene);
    say_login(&scene, &logins[0]);
    g_autofree char *why = take_all(&scene);
    cr_expect(strstr(why, "was not confirmed"), "%s", why);
    scene_close(&scene);
}

/* Both edges of what one host may have in one worker. */
Test(guard, limits)
{
    static const struct {
        enum message_kind kind;
        unsigned most;
        const char *why;
    } rows[] = {
        {MESSAGE_LOOK_UP, GUARD_CONNECTIONS, "looked up one host too often"},
        {MESSAGE_HOST_KEY, GUARD_CONNECTIONS, "showed host keys of one host too often"},
        {MESSAGE_SIGN, GUARD_SIGNATURES, "too many signatures for one host"},
        {MESSAGE_OBJECT, GUARD_OBJECTS_OPEN, "too many objects of one host"},
        {MESSAGE_FINISH, GUARD_OBJECTS, "too many objects of one host"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct scene scene;
        scene_open(&scene);
        if (rows[i].kind == MESSAGE_SIGN)
            say_key(&scene);
        for (unsigned k = 1; k <= rows[i].most + 1; k++) {
            if (rows[i].kind == MESSAGE_HOST_KEY)
                say_key(&scene);
            else if (rows[i].kind == MESSAGE_SIGN)
                say_login(&scene, &logins[0]);
            else if (rows[i].kind == MESSAGE_FINISH)
                say_number(&scene, MESSAGE_OBJECT, HOST, k);
            if (rows[i].kind != MESSAGE_HOST_KEY && rows[i].kind != MESSAGE_SIGN)
                say_number(&scene, rows[i].kind, HOST, k);
            g_autofree char *why = take_all(&scene);
            if (k <= rows[i].most)
                cr_assert_str_eq(why, "", "row %zu: %u: %s", i, k, why);
            else
                cr_expect(strstr(why, rows[i].why), "row %zu: %s", i, why);
        }
        scene_close(&scene);
    }
}

Test(guard, objects)
{
    static const struct {
        const char *what, *script, *why;
    } rows[] = {
        {"one", "o1 b1 f1", NULL},
        {"two at once", "o1 o2 b2 b1 f1 d2", NULL},
        {"a gap", "o1 o3", "counts objects wrongly"},
        {"from 0", "o0", "counts objects wrongly"},
        {"twice", "o1 o1", "counts objects wrongly"},
        {"bytes of none", "b1", "an object that is not open"},
        {"bytes of what is finished", "o1 f1 b1", "an object that is not open"},
        {"bytes of what was dropped", "o1 d1 b1", "an object that is not open"},
        {"finished twice", "o1 f1 f1", "an object that is not open"},
        {"dropped after it was finished", "o1 f1 d1", "an object that is not open"},
        {"of another host", "O1", "a host that it does not have"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct scene scene;
        scene_open(&scene);
        g_auto(GStrv) words = g_strsplit(rows[i].script, " ", -1);
        for (char **word = words; *word; word++) {
            uint32_t number = (uint32_t)g_ascii_strtoull(*word + 1, NULL, 10);
            enum message_kind kind = **word == 'b'   ? MESSAGE_BYTES
                                     : **word == 'f' ? MESSAGE_FINISH
                                     : **word == 'd' ? MESSAGE_DROP
                                                     : MESSAGE_OBJECT;
            say_number(&scene, kind, **word == 'O' ? OTHER : HOST, number);
        }
        g_autofree char *why = take_all(&scene);
        cr_expect(rows[i].why ? strstr(why, rows[i].why) != NULL : *why == '\0', "%s: %s", rows[i].what, why);
        scene_close(&scene);
    }
}

/* 16 MiB, as long as a listing may be: the limit of a trace is below that here. */
Test(guard, bytes_of_an_object)
{
    static const size_t all = 16 * 1024 * 1024;
    struct scene scene;
    scene_open(&scene);
    say_number(&scene, MESSAGE_OBJECT, HOST, 1);
    for (size_t sent = 0; sent < all; sent += MESSAGE_PIECE_BYTES)
        say_bytes(&scene, MESSAGE_BYTES, 1, MESSAGE_PIECE_BYTES);
    g_autofree char *why = take_all(&scene);
    cr_expect_str_eq(why, "");
    say_bytes(&scene, MESSAGE_BYTES, 1, 1);
    g_autofree char *then = take_all(&scene);
    cr_expect(strstr(then, "more bytes of one host than there may be"), "%s", then);
    scene_close(&scene);
}

static void say_line(struct scene *scene, const char *line)
{
    guint begin = message_begin(scene->said, MESSAGE_LINE, HOST);
    g_byte_array_append(scene->said, (const guint8 *)line, (guint)strlen(line));
    message_end(scene->said, begin);
}

Test(guard, lines)
{
    static const struct {
        const char *what, *format, *why; /* %s: the object's name */
        gboolean dropped, open;
    } rows[] = {
        {"collected", "{\"host\":\"x\",\"status\":\"collected\",\"traces\":[{\"path\":\"/t\",\"object\":\"%s\"}]}",
         NULL, FALSE, FALSE},
        {"no object", "{\"host\":\"x\",\"status\":\"failed\",\"reason\":\"refused\"}", NULL, FALSE, FALSE},
        {"a store", "{\"host\":\"x\",\"status\":\"collected\",\"stores\":[{\"path\":\"/t\",\"own\":\"%s\"}]}", NULL,
         FALSE, FALSE},
        {"a chain", "{\"host\":\"x\",\"status\":\"collected\",\"chains\":[{\"target\":\"t\",\"object\":\"%s\"}]}", NULL,
         FALSE, FALSE},
        {"an object that was dropped",
         "{\"host\":\"x\",\"status\":\"collected\",\"traces\":[{\"path\":\"/t\",\"object\":\"%s\"}]}",
         "named an object", TRUE, FALSE},
        {"an object that was dropped, in a chain",
         "{\"host\":\"x\",\"status\":\"collected\",\"chains\":[{\"target\":\"t\",\"object\":\"%s\"}]}",
         "named an object", TRUE, FALSE},
        {"an object that is open", "{\"host\":\"x\",\"status\":\"collected\"}", "in the middle of an object", FALSE,
         TRUE},
        {"the digest of something",
         "{\"host\":\"x\",\"status\":\"collected\",\"stores\":[{\"path\":\"/t\",\"trusted\":"
         "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}]}",
         "named an object", FALSE, FALSE},
        {"an object that never was",
         "{\"host\":\"x\",\"status\":\"collected\",\"stores\":[{\"path\":\"/t\",\"listing\":"
         "\"0000000000000000000000000000000000000000000000000000000000000002\"}]}",
         "named an object", FALSE, FALSE},
        {"object 0",
         "{\"host\":\"x\",\"status\":\"collected\",\"stores\":[{\"path\":\"/t\",\"listing\":"
         "\"0000000000000000000000000000000000000000000000000000000000000000\"}]}",
         "named an object", FALSE, FALSE},
        {"no reason", "{\"host\":\"x\",\"status\":\"partial\"}", "gave no reason", FALSE, FALSE},
        {"a reason that is none", "{\"host\":\"x\",\"status\":\"failed\",\"reason\":\"all-good\"}", "gave no reason",
         FALSE, FALSE},
        {"a reason without need", "{\"host\":\"x\",\"status\":\"collected\",\"reason\":\"refused\"}",
         "gave no reason, or one that is none", FALSE, FALSE},
        {"no JSON", "collected", "a line that is none", FALSE, FALSE},
        {"nothing", "", "a line that is none", FALSE, FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct scene scene;
        scene_open(&scene);
        g_autofree char *name = guard_name_object(1);
        g_autoptr(GString) line = g_string_new(rows[i].what ? rows[i].format : NULL);
        g_string_replace(line, "%s", name, 0);
        say_number(&scene, MESSAGE_OBJECT, HOST, 1);
        if (!rows[i].open)
            say_number(&scene, rows[i].dropped ? MESSAGE_DROP : MESSAGE_FINISH, HOST, 1);
        say_line(&scene, line->str);
        g_autofree char *why = take_all(&scene);
        cr_expect(rows[i].why ? strstr(why, rows[i].why) != NULL : *why == '\0', "%s: %s", rows[i].what, why);
        cr_expect_eq(strstr(scene.heard.words->str, "line:x") != NULL, rows[i].why == NULL, "%s", rows[i].what);
        /* It has the last word on a host. */
        if (!rows[i].why) {
            say_number(&scene, MESSAGE_OBJECT, HOST, 2);
            g_autofree char *then = take_all(&scene);
            cr_expect(strstr(then, "a host that it does not have"), "%s: %s", rows[i].what, then);
        }
        scene_close(&scene);
    }
}

Test(guard, names_of_states)
{
    static const struct {
        const char *from, *to;
        gboolean ok;
    } rows[] = {{"host-key", "login", TRUE},
                {"", "x", TRUE},
                {"a\033[2J", "login", FALSE},
                {"login\n", "x", FALSE},
                {"abcdefghijklmnopqrstuvwxyzabcdef", "x", TRUE},
                {"abcdefghijklmnopqrstuvwxyzabcdefg", "x", FALSE}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct scene scene;
        scene_open(&scene);
        guint begin = message_begin(scene.said, MESSAGE_STATE, HOST);
        append_text(scene.said, rows[i].from, "");
        append_text(scene.said, rows[i].to, "");
        message_end(scene.said, begin);
        g_autofree char *why = take_all(&scene);
        cr_expect_eq(*why == '\0', rows[i].ok, "row %zu: %s", i, why);
        scene_close(&scene);
    }
}

/* A parent's messages are not a worker's. */
Test(guard, kinds)
{
    for (int kind = MESSAGE_MEANS; kind <= MESSAGE_LINE; kind++) {
        struct scene scene;
        scene_open(&scene);
        guint begin = message_begin(scene.said, (enum message_kind)kind, HOST);
        message_end(scene.said, begin);
        g_autofree char *why = take_all(&scene);
        cr_expect_eq(*why == '\0', kind == MESSAGE_ADMITTED, "%d: %s", kind, why);
        scene_close(&scene);
    }
}

Test(message, frames)
{
    static const struct {
        const char *what;
        uint32_t size, kind;
        size_t there; /* bytes behind the head */
        enum message_result result;
    } rows[] = {
        {"whole", 4, MESSAGE_OBJECT, 4, MESSAGE_TAKEN},
        {"cut off", 4, MESSAGE_OBJECT, 3, MESSAGE_NONE},
        {"too long for its kind", 5, MESSAGE_OBJECT, 0, MESSAGE_BAD},
        {"no kind", 0, 0, 0, MESSAGE_BAD},
        {"a kind that there is not", 0, MESSAGE_LINE + 1, 0, MESSAGE_BAD},
        {"a line as long as may be", CAPTURE_LINE_BYTES, MESSAGE_LINE, 0, MESSAGE_NONE},
        {"a longer line", CAPTURE_LINE_BYTES + 1, MESSAGE_LINE, 0, MESSAGE_BAD},
        {"endless", UINT32_MAX, MESSAGE_BYTES, 0, MESSAGE_BAD},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        uint8_t body[8] = {0};
        struct message message;
        wire_append_u32(bytes, rows[i].size);
        wire_append_u32(bytes, rows[i].kind);
        wire_append_u32(bytes, HOST);
        g_byte_array_append(bytes, body, (guint)rows[i].there);
        struct wire wire = {bytes->data, bytes->len};
        cr_expect_eq(message_take(&wire, &message), rows[i].result, "%s", rows[i].what);
        cr_expect_eq(wire.left == 0, rows[i].result == MESSAGE_TAKEN, "%s", rows[i].what);
        struct wire head = {bytes->data, MESSAGE_HEAD_BYTES - 1};
        cr_expect_eq(message_take(&head, &message), MESSAGE_NONE, "%s", rows[i].what);
    }
}

/* What goes in comes out, and no part of it counts as the whole. */
Test(order, there_and_back)
{
    struct order *order = order_new();
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GBytes) key = key_of("ssh-rsa", "x");

    order->name = g_strdup("host");
    order->address = g_strdup("192.0.2.1");
    order->port = 2222;
    order->connection = INVENTORY_LOCAL;
    order->user = g_strdup("audit");
    memset(order->nonce, 'a', RECORDS_NONCE_CHARS);
    order->script = g_strdup("echo\n");
    order->host_ms = 600000;
    order->left_ms = 5;
    order->tries = 3;
    order->remarks = g_strdup("");
    order_add_identity(order, key, "file");
    g_ptr_array_add(order->key_types, g_strdup("ssh-ed25519"));
    order->peers = g_ptr_array_new_with_free_func((GDestroyNotify)collector_peer_free);
    g_ptr_array_add(order->peers, collector_peer_new(NULL, "192.0.2.7", 443));
    order_write(bytes, order);
    struct wire wire = {bytes->data, bytes->len};
    struct order *again = order_read(&wire);
    cr_assert_not_null(again);
    cr_expect_eq(wire.left, 0);
    g_autoptr(GByteArray) second = g_byte_array_new();
    order_write(second, again);
    cr_expect_eq(second->len, bytes->len);
    cr_expect_eq(memcmp(second->data, bytes->data, bytes->len), 0);
    cr_expect_null(again->plugin);
    cr_expect_str_eq(again->remarks, "");
    cr_expect_eq(again->port, 2222);
    cr_expect_eq(again->tries, 3);
    order_free(again);
    for (size_t size = 0; size < bytes->len; size++) {
        struct wire cut = {bytes->data, size};
        cr_expect_null(order_read(&cut), "%zu bytes", size);
    }
    order_free(order);
}

Test(means, there_and_back)
{
    const struct means means = {1, 2, 3, 4, 5, 6, (int64_t)1 << 40 | 7, TRUE};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct means again;

    means_write(bytes, &means);
    struct wire wire = {bytes->data, bytes->len};
    cr_assert(means_read(&wire, &again));
    cr_expect_eq(again.lookup_ms, 1);
    cr_expect_eq(again.silence_ms, 5);
    cr_expect_eq(again.window_bytes, 6);
    cr_expect_eq(again.trace_bytes, means.trace_bytes);
    cr_expect(again.trace);
    for (size_t size = 0; size < bytes->len; size++) {
        struct wire cut = {bytes->data, size};
        cr_expect_not(means_read(&cut, &again));
    }
}
