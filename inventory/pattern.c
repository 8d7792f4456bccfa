#include "pattern.h"

#include "error.h"
#include "inventory.h"

#include <gio/gio.h>
#include <string.h>

static gboolean fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean fail(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, text);
    return FALSE;
}

struct range {
    gboolean letters;
    guint64 first, last, step;
    int width; /* digits, with leading zeros; 0: as many as the number has */
};

static gboolean is_number(const char *text)
{
    return *text && strlen(text) <= 9 && strspn(text, "0123456789") == strlen(text);
}

static gboolean parse_bounds(struct range *range, const char *first, const char *last, const char *text, GError **error)
{
    if (is_number(first) && is_number(last)) {
        range->first = g_ascii_strtoull(first, NULL, 10);
        range->last = g_ascii_strtoull(last, NULL, 10);
        if (first[0] == '0' && first[1]) {
            if (strlen(first) != strlen(last))
                return fail(error, "range [%s]: both ends of a range with leading zeros must have as many digits",
                            text);
            range->width = (int)strlen(first);
        }
    } else if (g_ascii_isalpha(first[0]) && !first[1] && g_ascii_isalpha(last[0]) && !last[1] &&
               g_ascii_islower(first[0]) == g_ascii_islower(last[0])) {
        range->letters = TRUE;
        range->first = (guint64)first[0];
        range->last = (guint64)last[0];
    } else {
        return fail(error, "range [%s]: the ends must be two numbers or two letters", text);
    }
    if (range->first > range->last)
        return fail(error, "range [%s]: begins behind its end", text);
    return TRUE;
}

/* What stands in the brackets: first:last or first:last:step. */
static gboolean parse_range(struct range *range, const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);
    guint count = g_strv_length(parts);

    *range = (struct range){.step = 1};
    if (count < 2 || count > 3)
        return fail(error, "range [%s]: must be first:last or first:last:step", text);
    /* Ansible takes [:5] for [0:5]. */
    if (!parse_bounds(range, *parts[0] ? parts[0] : "0", parts[1], text, error))
        return FALSE;
    if (count == 3) {
        if (!is_number(parts[2]) || g_ascii_strtoull(parts[2], NULL, 10) == 0)
            return fail(error, "range [%s]: the step must be a number above 0", text);
        range->step = g_ascii_strtoull(parts[2], NULL, 10);
    }
    if ((range->last - range->first) / range->step >= INVENTORY_RANGE_HOSTS) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "range [%s]: more than %d hosts", text,
                    INVENTORY_RANGE_HOSTS);
        return FALSE;
    }
    return TRUE;
}

static gboolean check_name(const char *name, GError **error)
{
    if (!*name)
        return fail(error, "a host without a name");
    if (strlen(name) > INVENTORY_NAME_BYTES) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "a host name of more than %d bytes",
                    INVENTORY_NAME_BYTES);
        return FALSE;
    }
    for (const char *at = name; *at; at++)
        if (!g_ascii_isalnum(*at) && !strchr("._-:%@", *at))
            return fail(error, "host \"%s\": \"%c\" cannot be in a host name", name, *at);
    if (*name == '-')
        return fail(error, "host \"%s\": a host name cannot begin with \"-\"", name);
    return TRUE;
}

/* The names of ${text} from its first range on, each behind ${head}.  The depth is that of the ranges in the text. */
static gboolean expand(GPtrArray *names, const char *head, const char *text, GError **error)
{
    const char *open = strchr(text, '[');
    const char *close = open ? strchr(open, ']') : NULL;
    struct range range;

    if (!open) {
        if (strchr(text, ']'))
            return fail(error, "\"%s%s\": \"]\" without \"[\"", head, text);
        if (names->len >= INVENTORY_RANGE_HOSTS) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "\"%s%s\": more than %d hosts", head, text,
                        INVENTORY_RANGE_HOSTS);
            return FALSE;
        }
        g_autofree char *name = g_strconcat(head, text, NULL);
        if (!check_name(name, error))
            return FALSE;
        g_ptr_array_add(names, g_steal_pointer(&name));
        return TRUE;
    }
    if (!close)
        return fail(error, "\"%s%s\": the range has no end: \"]\" is missing", head, text);
    g_autofree char *inside = g_strndup(open + 1, (gsize)(close - open - 1));
    if (!parse_range(&range, inside, error))
        return FALSE;
    for (guint64 i = range.first; i <= range.last; i += range.step) {
        g_autoptr(GString) longer = g_string_new(head);
        g_string_append_len(longer, text, open - text);
        if (range.letters)
            g_string_append_c(longer, (char)i);
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
    if (!g_ascii_string_to_unsigned(text, 10, 1, 65535, &number, NULL))
        return fail(error, "port \"%s\": must be from 1 to 65535", text);
    *port = (uint16_t)number;
    return TRUE;
}

/* An IPv6 address stands in brackets if a port follows it; a range in brackets has at most two colons and no "::". */
static gboolean is_bracketed_address(const char *text)
{
    const char *close = text[0] == '[' ? strchr(text, ']') : NULL;
    if (!close || (close[1] && close[1] != ':'))
        return FALSE;
    g_autofree char *inside = g_strndup(text + 1, (gsize)(close - text - 1));
    return g_hostname_is_ip_address(inside);
}

gboolean pattern_expand(GPtrArray *names, uint16_t *port, const char *text, GError **error)
{
    *port = 0;
    if (is_bracketed_address(text)) {
        const char *close = strchr(text, ']');
        g_ptr_array_add(names, g_strndup(text + 1, (gsize)(close - text - 1)));
        return !close[1] || parse_port(port, close + 2, error);
    }
    if (g_hostname_is_ip_address(text)) {
        g_ptr_array_add(names, g_strdup(text));
        return TRUE;
    }
    const char *bracket = strrchr(text, ']');
    const char *colon = strrchr(bracket ? bracket : text, ':');
    if (!colon || strchr(text, '[') > colon || (strchr(text, '[') && !bracket))
        return expand(names, "", text, error);
    g_autofree char *name = g_strndup(text, (gsize)(colon - text));
    const char *behind = strrchr(name, ']');
    if (strchr(behind ? behind : name, ':'))
        return fail(error, "\"%s\": neither an IPv6 address nor a host and a port", text);
    return parse_port(port, colon + 1, error) && expand(names, "", name, error);
}
