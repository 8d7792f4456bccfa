#include "pattern.h"

#include "cite.h"
#include "inventory.h"

#include <string.h>

static gboolean refuse(GError **error, const char *text, const char *what)
{
    return cite_refuse(error, TRUSTGAP_ERROR_SYNTAX, text, what);
}

/* What stands between brackets. */
struct range {
    gboolean letters;
    guint64 first, last, step;
    int width; /* digits, with leading zeros; 0: as many as the number has */
};

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static gboolean parse_number(guint64 *number, const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text) &&
           g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, number, NULL);
}

static gboolean parse_letter(guint64 *number, const char *text)
{
    const char *letter = text[0] && !text[1] ? strchr(letters, text[0]) : NULL;
    *number = letter ? (guint64)(letter - letters) : 0;
    return letter != NULL;
}

static gboolean parse_bounds(struct range *range, const char *first, const char *last, const char *text, GError **error)
{
    if (parse_letter(&range->first, first) && parse_letter(&range->last, last)) {
        range->letters = TRUE;
    } else if (!parse_number(&range->first, first) || !parse_number(&range->last, last)) {
        return refuse(error, text, "the ends of a range are two numbers or two letters");
    } else if (first[0] == '0' && first[1]) {
        if (strlen(first) != strlen(last))
            return refuse(error, text, "the ends of a range with leading zeros have as many digits");
        range->width = (int)strlen(first);
    }
    if (range->first > range->last)
        return refuse(error, text, "the range begins behind its end");
    return TRUE;
}

/* first:last or first:last:step */
static gboolean parse_range(struct range *range, const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 4);
    guint count = g_strv_length(parts);

    *range = (struct range){.step = 1};
    if (strlen(text) > INVENTORY_NAME_BYTES)
        return refuse(error, text, "the range is too long");
    if (count < 2 || count > 3)
        return refuse(error, text, "a range is [first:last] or [first:last:step]");
    /* As Ansible, take [:5] for [0:5]. */
    if (!parse_bounds(range, *parts[0] ? parts[0] : "0", parts[1], text, error))
        return FALSE;
    if (count == 3 && (!parse_number(&range->step, parts[2]) || range->step == 0))
        return refuse(error, text, "the step of a range is a number above 0");
    if ((range->last - range->first) / range->step >= INVENTORY_RANGE_HOSTS)
        return cite_refuse(error, TRUSTGAP_ERROR_LIMIT, text,
                           "more than " G_STRINGIFY(INVENTORY_RANGE_HOSTS) " hosts in one range");
    return TRUE;
}

/* Letters of any script; of the other signs only those that no pattern, quote or path is made of. */
static gboolean is_name_char(gunichar c)
{
    if (c < 0x80)
        return g_ascii_isalnum((char)c) || strchr("._-%+~:", (int)c);
    return g_unichar_isalnum(c) || g_unichar_ismark(c);
}

static gboolean check_name(const char *name, GError **error)
{
    if (!*name)
        return refuse(error, name, "a host without a name");
    if (strlen(name) > INVENTORY_NAME_BYTES)
        return cite_refuse(error, TRUSTGAP_ERROR_LIMIT, name,
                           "more than " G_STRINGIFY(INVENTORY_NAME_BYTES) " bytes in a name");
    if (*name == '-')
        return refuse(error, name, "the name of a host does not begin with \"-\"");
    if (strchr(name, '@'))
        return refuse(error, name, "a host name has no user in it; the user goes in ansible_user");
    for (const char *at = name; *at; at = g_utf8_next_char(at)) {
        if (is_name_char(g_utf8_get_char(at)))
            continue;
        g_autofree char *sign = g_strndup(at, (gsize)(g_utf8_next_char(at) - at));
        refuse(error, sign, "not in the name of a host");
        return FALSE;
    }
    return TRUE;
}

static gboolean add_name(GPtrArray *names, const char *name, GError **error)
{
    if (!check_name(name, error))
        return FALSE;
    if (names->len >= INVENTORY_RANGE_HOSTS)
        return cite_refuse(error, TRUSTGAP_ERROR_LIMIT, name,
                           "more than " G_STRINGIFY(INVENTORY_RANGE_HOSTS) " hosts on one line");
    g_ptr_array_add(names, g_strdup(name));
    return TRUE;
}

/*
 * The names of ${text} from its first range on, each behind ${head}.  Each level adds to the head, and that is limited.
 */
static gboolean expand(GPtrArray *names, const char *head, const char *text, GError **error)
{
    const char *open = strchr(text, '[');
    const char *close = open ? strchr(open, ']') : NULL;
    struct range range;

    if (!open) {
        g_autofree char *name = g_strconcat(head, text, NULL);
        return add_name(names, name, error);
    }
    if (!close)
        return refuse(error, text, "the range has no end: \"]\" is missing");
    g_autofree char *inside = g_strndup(open + 1, (gsize)(close - open - 1));
    if (!parse_range(&range, inside, error))
        return FALSE;
    for (guint64 i = range.first; i <= range.last; i += range.step) {
        g_autoptr(GString) longer = g_string_new(head);
        g_string_append_len(longer, text, open - text);
        if (range.letters)
            g_string_append_c(longer, letters[i]);
        else
            g_string_append_printf(longer, "%0*" G_GUINT64_FORMAT, range.width, i);
        if (longer->len > INVENTORY_NAME_BYTES)
            return check_name(longer->str, error);
        if (!expand(names, longer->str, close + 1, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean parse_port(uint16_t *port, const char *text, GError **error)
{
    guint64 number;
    if (!g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT16, &number, NULL))
        return refuse(error, text, "a port is a number from 1 to 65535");
    *port = (uint16_t)number;
    return TRUE;
}

/* A port may stand behind an IPv6 address only if the address stands in brackets. */
static gboolean is_bracketed_address(const char *text)
{
    const char *close = text[0] == '[' ? strchr(text, ']') : NULL;
    if (!close || (close[1] && close[1] != ':'))
        return FALSE;
    g_autofree char *inside = g_strndup(text + 1, (gsize)(close - text - 1));
    return g_hostname_is_ip_address(inside);
}

/* The colon that separates host and port, NULL if there is none. */
static const char *find_port(const char *text)
{
    const char *close = strrchr(text, ']');
    const char *rest = close ? close : text;
    return strchr(rest, '[') ? NULL : strrchr(rest, ':'); /* a range without an end is told of later */
}

gboolean pattern_expand(GPtrArray *names, uint16_t *port, const char *text, GError **error)
{
    *port = 0;
    if (is_bracketed_address(text)) {
        const char *close = strchr(text, ']');
        g_autofree char *address = g_strndup(text + 1, (gsize)(close - text - 1));
        return add_name(names, address, error) && (!close[1] || parse_port(port, close + 2, error));
    }
    if (g_hostname_is_ip_address(text))
        return add_name(names, text, error);
    const char *colon = find_port(text);
    if (!colon)
        return expand(names, "", text, error);
    g_autofree char *name = g_strndup(text, (gsize)(colon - text));
    if (find_port(name))
        return refuse(error, text, "neither an IPv6 address nor a host and a port");
    return parse_port(port, colon + 1, error) && expand(names, "", name, error);
}
