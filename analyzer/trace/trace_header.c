#include "trace_header.h"

#define HEADER_LINES 40 /* below a file's title may belong to its header */

void header_init(struct header *header)
{
    *header = (struct header){.level = -1, .pid = -1};
    header->release = g_string_new(NULL);
    header->sid = g_string_new(NULL);
    header->sysno = g_string_new(NULL);
    header->profile = g_string_new(NULL);
}

void header_clear(struct header *header)
{
    g_string_free(header->release, TRUE);
    g_string_free(header->sid, TRUE);
    g_string_free(header->sysno, TRUE);
    g_string_free(header->profile, TRUE);
}

gboolean header_is_rule(struct slice body)
{
    size_t dashes = 0;

    body = slice_trim(body);
    while (dashes < body.size && body.at[dashes] == '-')
        dashes++;
    return dashes >= 20 && dashes == body.size;
}

static void set_text(GString *text, struct slice value)
{
    g_string_truncate(text, 0);
    g_string_append_len(text, value.at, (gssize)value.size);
}

/* trc file: "dev_icm", trc level: 2, release: "785" */
static gboolean take_title(struct header *header, struct slice line)
{
    struct slice rest = line, text;
    gboolean open = FALSE;
    int64_t level = 0;

    if (!slice_take(&rest, "trc file: ") || !slice_find(rest, "trc level: ", &rest) ||
        !slice_take_number(&rest, &level) || level > 9)
        return FALSE;
    header->level = (int)level;
    if (slice_take(&rest, ", release: ") && slice_take_quoted(&rest, &text, &open) && !open)
        set_text(header->release, text);
    header->lines = HEADER_LINES;
    return TRUE;
}

/* "sid        PRD" */
static gboolean take_value(struct header *header, struct slice line)
{
    static const char *const others[] = {"systemid", "relno", "patchlevel", "patchno", "intno", "make"};
    struct slice key, value = line;
    int64_t pid = 0;

    if (!slice_take_word(&value, &key) || slice_skip_blanks(&value) == 0 || value.size == 0)
        return FALSE;
    GString *kept = slice_equals(key, "sid")       ? header->sid
                    : slice_equals(key, "sysno")   ? header->sysno
                    : slice_equals(key, "profile") ? header->profile
                                                   : NULL;
    value = slice_trim(value);
    if (kept) {
        set_text(kept, value);
        return TRUE;
    }
    if (slice_equals(key, "pid") && slice_take_number(&value, &pid)) {
        header->pid = pid;
        return TRUE;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (slice_equals(key, others[i]))
            return TRUE;
    return FALSE;
}

/* Whether a line without prefix is of the file's header and of no thread. */
gboolean header_take(struct header *header, struct slice line)
{
    if (header_is_rule(line)) { /* a title may follow */
        header->lines = MAX(header->lines, 2);
        return TRUE;
    }
    return header->lines > 0 && (line.size == 0 || take_title(header, line) || take_value(header, line));
}

/* After a file was begun anew; older programs write the process behind it: ( pid = 4711 ) */
gboolean header_take_truncated(struct header *header, struct slice body)
{
    struct slice rest;
    int64_t pid = 0;

    if (!slice_find(body, "TRACE FILE TRUNCATED", &rest))
        return FALSE;
    if (slice_find(rest, "pid", &rest) && slice_find(rest, "=", &rest)) {
        slice_skip_blanks(&rest);
        if (slice_take_number(&rest, &pid))
            header->pid = pid;
    }
    return TRUE;
}
