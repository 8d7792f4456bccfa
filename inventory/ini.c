#include "ini.h"

#include "cite.h"
#include "groups.h"
#include "pattern.h"

#include <string.h>

enum section { SECTION_HOSTS, SECTION_CHILDREN, SECTION_VARS };

struct reader {
    struct inventory *inventory;
    enum section section;
    struct group *group; /* of the section */
    unsigned mentions;
};

static gboolean refuse(GError **error, const char *text, const char *what)
{
    return cite_refuse(error, TRUSTGAP_ERROR_SYNTAX, text, what);
}

/*
 * The words of a host line, as Python's shlex splits them for Ansible: quotes, backslashes, and a "#" outside of quotes
 * begins a comment, even inside of a word.
 */
static GPtrArray *split_words(const char *line, GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) word = g_string_new(NULL);
    gboolean begun = FALSE;
    char quote = '\0';

    for (const char *at = line;; at++) {
        if (!*at && quote) {
            refuse(error, line, quote == '"' ? "a quote (\") is not closed" : "a quote (') is not closed");
            return NULL;
        }
        if (!quote && (!*at || *at == '#' || g_ascii_isspace(*at))) {
            if (begun)
                g_ptr_array_add(words, g_strdup(word->str));
            g_string_truncate(word, 0);
            begun = FALSE;
            if (!*at || *at == '#')
                return g_steal_pointer(&words);
            continue;
        }
        begun = TRUE;
        if (!quote && (*at == '"' || *at == '\''))
            quote = *at;
        else if (*at == quote)
            quote = '\0';
        else if (*at == '\\' && at[1] && (!quote || (quote == '"' && (at[1] == '"' || at[1] == '\\'))))
            g_string_append_c(word, *++at);
        else
            g_string_append_c(word, *at);
    }
}

/* The bytes of the Python literal that ${value} begins with, as far as they matter here; 0 if it is none. */
static size_t literal_bytes(const char *value)
{
    static const char *const words[] = {"True", "False", "None"};

    if (*value == '"' || *value == '\'') {
        for (const char *at = value + 1; *at; at++) {
            if (*at == *value)
                return (size_t)(at - value) + 1;
            if (*at == '\\' && at[1])
                at++;
        }
        return 0;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (g_str_has_prefix(value, words[i]))
            return strlen(words[i]);
    }
    return strspn(value, "0123456789");
}

/*
 * Ansible takes a value as a Python literal and, if it is none, as it stands.  Of this two things matter here: quotes
 * are not part of the value, and a comment may stand behind a literal but not behind other text.
 */
static char *evaluate(const char *value)
{
    size_t size = literal_bytes(value);
    const char *rest = value + size;

    rest += strspn(rest, " \t");
    if (size == 0 || (*rest && *rest != '#'))
        return g_strdup(value);
    if (*value != '"' && *value != '\'')
        return g_strndup(value, size);
    GString *text = g_string_new(NULL);
    for (const char *at = value + 1; at < value + size - 1; at++) {
        if (*at == '\\' && strchr("\\'\"", at[1]))
            at++;
        g_string_append_c(text, *at);
    }
    return g_string_free(text, FALSE);
}

/* name=value, both with blanks around them taken off */
static gboolean split_assignment(char **name, char **value, const char *text)
{
    const char *equals = strchr(text, '=');
    if (!equals)
        return FALSE;
    g_autofree char *raw = g_strstrip(g_strdup(equals + 1));
    *name = g_strstrip(g_strndup(text, (gsize)(equals - text)));
    *value = evaluate(raw);
    return TRUE;
}

static gboolean set_variable(struct reader *reader, struct variables *variables, const char *name, const char *value,
                             unsigned line, GError **error)
{
    ignored_note(&reader->inventory->groups->ignored, &variables->ignored, name, value, line);
    return variable_set(variables, name, value, error);
}

static gboolean read_assignments(struct reader *reader, struct variables *variables, const GPtrArray *words,
                                 unsigned line, GError **error)
{
    for (guint i = 1; i < words->len; i++) {
        g_autofree char *name = NULL, *value = NULL;
        if (!split_assignment(&name, &value, words->pdata[i]))
            return refuse(error, words->pdata[i], "only variables (name=value) stand behind a host");
        if (!set_variable(reader, variables, name, value, line, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean add_hosts(struct reader *reader, const GPtrArray *names, uint16_t port,
                          const struct variables *variables, unsigned line, GError **error)
{
    struct inventory *inventory = reader->inventory;

    reader->mentions += names->len;
    if (reader->mentions > INVENTORY_MENTIONS) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "hosts are named more than %d times",
                    INVENTORY_MENTIONS);
        return FALSE;
    }
    for (guint i = 0; i < names->len; i++) {
        guint before = inventory->hosts->len;
        struct draft *draft = groups_draft(inventory, names->pdata[i], line);
        if (inventory->hosts->len > INVENTORY_HOSTS) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "more than %d hosts", INVENTORY_HOSTS);
            return FALSE;
        }
        /* As in Ansible, a port behind the name counts only where the host is named first. */
        if (port && inventory->hosts->len > before) {
            g_autofree char *text = g_strdup_printf("%u", port);
            variable_set(&draft->vars, "ansible_port", text, NULL);
        }
        variable_overlay(&draft->vars, variables);
        groups_add_host(inventory->groups, reader->group, draft);
    }
    return TRUE;
}

static gboolean read_host_line(struct reader *reader, const char *text, unsigned line, GError **error)
{
    g_autoptr(GPtrArray) words = split_words(text, error);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    struct variables variables = {0};
    uint16_t port;

    if (!words)
        return FALSE;
    g_assert(words->len > 0); /* the line is neither empty nor a comment */
    if (strchr(words->pdata[0], '='))
        return refuse(error, words->pdata[0], "a variable where a host should be; is a [group:vars] missing above?");
    gboolean ok = pattern_expand(names, &port, words->pdata[0], error) &&
                  read_assignments(reader, &variables, words, line, error) &&
                  add_hosts(reader, names, port, &variables, line, error);
    variable_clear(&variables);
    return ok;
}

/* Names that a pattern of --limit can mean. */
static gboolean is_group_name(const char *name)
{
    return *name && *name != '!' && *name != '&' && strlen(name) <= INVENTORY_NAME_BYTES &&
           strpbrk(name, " \t[]:,") == NULL && strcmp(name, "_meta") != 0;
}

static struct group *get_group(struct reader *reader, const char *name, GError **error)
{
    if (!is_group_name(name)) {
        refuse(error, name, "not the name of a group");
        return NULL;
    }
    struct group *group = groups_get(reader->inventory->groups, name);
    if (reader->inventory->groups->in_order->len > INVENTORY_GROUPS) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "more than %d groups", INVENTORY_GROUPS);
        return NULL;
    }
    return group;
}

static gboolean read_child_line(struct reader *reader, const char *text, unsigned line, GError **error)
{
    const struct inventory_groups *groups = reader->inventory->groups;
    g_autofree char *name = g_strndup(text, strcspn(text, " \t#"));
    const char *rest = text + strlen(name) + strspn(text + strlen(name), " \t");

    if (*rest && *rest != '#')
        return refuse(error, text, "only the name of a group stands on a line of [...:children]");
    struct group *child = get_group(reader, name, error);
    if (!child)
        return FALSE;
    if (child == groups->all || child == groups->ungrouped)
        return refuse(error, name, "this group cannot be inside of another");
    if (!child->wanted_by)
        child->wanted_by = line;
    /* Everything is below "all" as it is. */
    if (reader->group != groups->all)
        groups_add_child(reader->group, child);
    return TRUE;
}

static gboolean read_variable_line(struct reader *reader, const char *text, unsigned line, GError **error)
{
    g_autofree char *name = NULL, *value = NULL;

    if (!split_assignment(&name, &value, text))
        return refuse(error, text, "only variables (name=value) stand in [...:vars]");
    if (strcmp(name, "ansible_group_priority") != 0)
        return set_variable(reader, &reader->group->vars, name, value, line, error);
    gint64 priority;
    if (!g_ascii_string_to_signed(value, 10, G_MININT, G_MAXINT, &priority, NULL))
        return refuse(error, text, "must be a number");
    reader->group->priority = (int)priority;
    return TRUE;
}

/* [group], [group:children], [group:vars] */
static gboolean read_section_line(struct reader *reader, const char *text, unsigned line, GError **error)
{
    const char *close = strchr(text, ']');
    const char *rest = close ? close + 1 + strspn(close + 1, " \t") : "";

    if (!close)
        return refuse(error, text, "the section has no end: \"]\" is missing");
    if (*rest && *rest != '#')
        return refuse(error, text, "something stands behind the section");
    g_autofree char *inside = g_strndup(text + 1, (gsize)(close - text - 1));
    char *kind = strchr(inside, ':');
    if (kind)
        *kind++ = '\0';
    if (kind && strcmp(kind, "children") != 0 && strcmp(kind, "vars") != 0)
        return refuse(error, text, "a section is [group], [group:children] or [group:vars]");
    struct group *group = get_group(reader, inside, error);
    if (!group)
        return FALSE;
    reader->group = group;
    reader->section = !kind ? SECTION_HOSTS : *kind == 'c' ? SECTION_CHILDREN : SECTION_VARS;
    if (reader->section == SECTION_CHILDREN && group == reader->inventory->groups->ungrouped)
        return refuse(error, text, "this group has no children");
    if (reader->section != SECTION_VARS)
        group->defined = TRUE;
    else if (!group->wanted_by)
        group->wanted_by = line;
    return TRUE;
}

/* A host line may begin with a bracket too: [a:c].example.com, [2001:db8::1]:22. */
static gboolean is_section(const char *text)
{
    const char *close = strchr(text, ']');

    if (*text != '[' || !close || !memchr(text, ':', (size_t)(close - text)))
        return *text == '[';
    return !close[1] || g_ascii_isspace(close[1]) || close[1] == '#';
}

static gboolean read_line(struct reader *reader, const char *bytes, size_t size, unsigned line, GError **error)
{
    while (size > 0 && g_ascii_isspace(*bytes)) {
        bytes++;
        size--;
    }
    while (size > 0 && g_ascii_isspace(bytes[size - 1]))
        size--;
    /* Comments may have bytes in any encoding, as in Ansible. */
    if (size == 0 || *bytes == '#' || *bytes == ';')
        return TRUE;
    g_autofree char *text = g_strndup(bytes, size);
    if (!g_utf8_validate(text, -1, NULL))
        return refuse(error, text, "not UTF-8");
    if (is_section(text))
        return read_section_line(reader, text, line, error);
    switch (reader->section) {
    case SECTION_CHILDREN:
        return read_child_line(reader, text, line, error);
    case SECTION_VARS:
        return read_variable_line(reader, text, line, error);
    case SECTION_HOSTS:
        break;
    }
    return read_host_line(reader, text, line, error);
}

gboolean ini_read(struct inventory *inventory, const char *bytes, size_t size, GError **error)
{
    struct reader reader = {inventory, SECTION_HOSTS, inventory->groups->ungrouped, 0};
    const char *at = bytes, *end = bytes + size;

    for (unsigned line = 1; at < end; line++) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((feed ? feed : end) - at);
        if (!read_line(&reader, at, length, line, error)) {
            g_prefix_error(error, "%s:%u: ", inventory->path, line);
            return FALSE;
        }
        at = feed ? feed + 1 : end;
    }
    return TRUE;
}
