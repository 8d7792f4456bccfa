#include "key_file.h"

#include "file.h"
#include "text.h"
#include "wire.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPENSSH_MAGIC "openssh-key-v1" /* with its NUL */

void key_file_free(struct key_file *file)
{
    if (!file)
        return;
    private_key_free(file->key);
    g_free(file->path);
    g_free(file->why);
    if (file->public_key)
        g_bytes_unref(file->public_key);
    g_free(file);
}

static struct key_file *key_file_new(const char *path)
{
    struct key_file *file = g_new0(struct key_file, 1);
    file->path = g_strdup(path);
    file->status = KEY_FILE_UNUSABLE;
    return file;
}

static void refuse(struct key_file *file, enum key_file_status status, const char *why)
{
    g_autofree char *message = g_strdup_printf("%s: %s", file->path, why);
    file->status = status;
    g_free(file->why);
    file->why = text_clean(message, strlen(message));
}

static void set_public_key(struct key_file *file, GBytes *blob)
{
    if (file->public_key)
        g_bytes_unref(file->public_key);
    file->public_key = g_bytes_ref(blob);
}

static void refuse_error(struct key_file *file, const GError *error)
{
    refuse(file, KEY_FILE_UNUSABLE, error->message);
}

static void refuse_encrypted(struct key_file *file)
{
    refuse(file, KEY_FILE_ENCRYPTED, "is encrypted with a passphrase, and nothing asks for one: add it to ssh-agent");
}

static void take_key(struct key_file *file, struct private_key *key, const GError *error)
{
    if (!key) {
        refuse_error(file, error);
        return;
    }
    file->key = key;
    file->status = KEY_FILE_USABLE;
    set_public_key(file, private_key_public(key));
}

/* OpenSSH's own form (PROTOCOL.key in its sources): what it is enciphered with, the public key in clear, the secret. */
static void parse_openssh(struct key_file *file, struct wire wire)
{
    g_autoptr(GError) error = NULL;
    struct wire cipher, blob, section;
    uint32_t keys;

    if (wire.left < sizeof OPENSSH_MAGIC || memcmp(wire.at, OPENSSH_MAGIC, sizeof OPENSSH_MAGIC) != 0) {
        refuse(file, KEY_FILE_UNUSABLE, "is damaged: it does not begin as an OpenSSH key");
        return;
    }
    wire_skip(&wire, sizeof OPENSSH_MAGIC);
    if (!wire_read_string(&wire, &cipher) || !wire_read_string(&wire, NULL) || !wire_read_string(&wire, NULL) ||
        !wire_read_u32(&wire, &keys) || keys != 1 || !wire_read_string(&wire, &blob) ||
        !wire_read_string(&wire, &section)) {
        refuse(file, KEY_FILE_UNUSABLE, "is damaged: it is cut off");
        return;
    }
    if (!wire_is(&cipher, "none")) {
        g_autoptr(GBytes) public_key = g_bytes_new(blob.at, blob.left);
        set_public_key(file, public_key);
        refuse_encrypted(file);
        return;
    }
    struct private_key *key = private_key_parse_openssh(&section, &error);
    take_key(file, key, error);
}

static void parse_openssh_base64(struct key_file *file, const char *body, const char *end)
{
    g_autofree char *base64 = g_strndup(body, (gsize)(end - body));
    gsize size = 0;
    guchar *bytes = g_base64_decode(base64, &size);

    parse_openssh(file, (struct wire){bytes, size});
    OPENSSL_cleanse(bytes, size);
    g_free(bytes);
    OPENSSL_cleanse(base64, strlen(base64));
}

/* "-----BEGIN THIS PRIVATE KEY-----" */
static void parse_text(struct key_file *file, const char *text)
{
    static const char begin_mark[] = "-----BEGIN ";
    const char *begin = strstr(text, begin_mark);
    g_autoptr(GError) error = NULL;

    if (!begin) {
        gboolean public = g_str_has_prefix(text, "ssh-") || g_str_has_prefix(text, "ecdsa-");
        refuse(file, KEY_FILE_UNUSABLE,
               public ? "is a public key; the private one is needed" : "is no private key in PEM form");
        return;
    }
    const char *label = begin + strlen(begin_mark);
    const char *line_end = strchr(label, '\n');
    const char *end = line_end ? strstr(line_end, "-----END ") : NULL;
    if (!end) {
        refuse(file, KEY_FILE_UNUSABLE, "is damaged: it has no end");
    } else if (g_str_has_prefix(label, "OPENSSH PRIVATE KEY-----")) {
        parse_openssh_base64(file, line_end + 1, end);
    } else if (g_str_has_prefix(label, "ENCRYPTED PRIVATE KEY-----") ||
               g_str_has_prefix(line_end + 1, "Proc-Type: 4,ENCRYPTED")) {
        refuse_encrypted(file);
    } else {
        struct private_key *key = private_key_parse_pem(begin, strlen(begin), &error);
        take_key(file, key, error);
    }
}

struct key_file *key_file_parse(const char *path, const void *bytes, size_t size)
{
    struct key_file *file = key_file_new(path);
    g_autofree char *text = g_strndup(bytes ? bytes : "", size); /* an empty file is mapped to nothing at all */

    if (strlen(text) != size)
        refuse(file, KEY_FILE_UNUSABLE, "is no private key in PEM form");
    else
        parse_text(file, text);
    OPENSSL_cleanse(text, size);
    return file;
}

/* "type base64 comment", as ssh-keygen leaves beside each key. */
static void load_public_half(struct key_file *file)
{
    g_autofree char *path = g_strconcat(file->path, ".pub", NULL);
    g_autoptr(GBytes) bytes = file_read_regular(path, KEY_FILE_BYTES, NULL);

    if (!bytes)
        return;
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    g_autofree char *text = g_strndup(data, size);
    g_auto(GStrv) words = g_strsplit(text, " ", 3);
    if (g_strv_length(words) < 2)
        return;
    gsize blob_size = 0;
    guchar *blob = g_base64_decode(words[1], &blob_size);
    g_autoptr(GBytes) public_key = g_bytes_new_take(blob, blob_size);
    set_public_key(file, public_key);
}

/* As ssh: a key that others may read is not used, so that somebody notices. */
static gboolean others_may_read(const char *path)
{
    struct stat now;
    return stat(path, &now) == 0 && now.st_uid == getuid() && (now.st_mode & 077) != 0;
}

struct key_file *key_file_load(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = NULL;
    struct key_file *file;

    if (access(path, F_OK) != 0) {
        file = key_file_new(path);
        refuse(file, errno == ENOENT || errno == ENOTDIR ? KEY_FILE_MISSING : KEY_FILE_UNUSABLE, g_strerror(errno));
        return file;
    }
    bytes = file_read_regular(path, KEY_FILE_BYTES, &error);
    if (!bytes) {
        file = key_file_new(path);
        file->why = text_clean(error->message, strlen(error->message));
        return file;
    }
    gsize size;
    void *data = (void *)g_bytes_get_data(bytes, &size);
    file = key_file_parse(path, data, size);
    OPENSSL_cleanse(data, size);
    if (!file->public_key)
        load_public_half(file);
    if (file->status == KEY_FILE_USABLE && others_may_read(path))
        refuse(file, KEY_FILE_UNUSABLE, "may be read by others, so it is not used: chmod 600");
    return file;
}
