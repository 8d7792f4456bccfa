#include "trace_json.h"

#include "trace_filter.h"

#define NO_PATH      JSON_PATHS
#define LIST_STRINGS 3 /* with fewer, what is quoted is no list */

struct path { /* of keys, that leads to strings */
    char *text;
    size_t n_traces, n_prefixed; /* of its strings, those that look like a trace; ... and have a thread's prefix */
    uint32_t beside;             /* bits of the paths that had a line of a trace in the same record */
    gboolean wanted;
};

struct known { /* what is learned, for strings of all depths */
    struct path paths[JSON_PATHS];
    unsigned n_paths;
    gboolean learning;
    uint32_t record; /* bits of the paths that had a line of a trace in this record */
    gboolean told;   /* a string of this record was taken */
    GString *spare;  /* one that is taken if no other is */
    uint64_t spare_offset;
    unsigned spare_number;
};

struct start { /* of a line in a string */
    size_t at;
    uint64_t offset;
};

struct jsontrace {
    struct known *known;
    unsigned nested;
    source_take *take;
    void *take_data;
    /* Where we are: what is open, the keys that lead here. */
    char open[JSON_DEPTH];
    size_t path_sizes[JSON_DEPTH];
    unsigned depth;
    GString *path, *key;
    /* In a string, or behind one of which it is not known yet whether it is a key. */
    gboolean in_string, held, overflow;
    GString *string;
    GArray *starts; /* of struct start */
    unsigned number;
    char escape; /* 0, '\\', or 'u' */
    unsigned n_digits;
    gunichar unit, high;
    /* A line of the file that is no JSON. */
    gboolean inside, passing;
};

static struct jsontrace *jsontrace_make(struct known *known, unsigned nested, source_take *take, void *data)
{
    struct jsontrace *json = g_new0(struct jsontrace, 1);

    json->known = known;
    json->nested = nested;
    json->take = take;
    json->take_data = data;
    json->path = g_string_new(NULL);
    json->key = g_string_new(NULL);
    json->string = g_string_new(NULL);
    json->starts = g_array_new(FALSE, FALSE, sizeof(struct start));
    return json;
}

static void jsontrace_unmake(struct jsontrace *json)
{
    g_string_free(json->path, TRUE);
    g_string_free(json->key, TRUE);
    g_string_free(json->string, TRUE);
    g_array_unref(json->starts);
    g_free(json);
}

struct jsontrace *jsontrace_new(source_take *take, void *data)
{
    struct known *known = g_new0(struct known, 1);

    known->spare = g_string_new(NULL);
    return jsontrace_make(known, 0, take, data);
}

void jsontrace_free(struct jsontrace *json)
{
    if (!json)
        return;
    for (unsigned i = 0; i < json->known->n_paths; i++)
        g_free(json->known->paths[i].text);
    g_string_free(json->known->spare, TRUE);
    g_free(json->known);
    jsontrace_unmake(json);
}

/* ---- Strings ---- */

static gboolean has_prefix(struct slice text)
{
    return memmem(text.at, text.size, "[Thr", 4) != NULL;
}

static unsigned find_path(struct known *known, const char *text)
{
    for (unsigned i = 0; i < known->n_paths; i++)
        if (strcmp(known->paths[i].text, text) == 0)
            return i;
    if (known->n_paths == JSON_PATHS)
        return NO_PATH;
    known->paths[known->n_paths].text = g_strdup(text);
    return known->n_paths++;
}

static void tell_lines(struct jsontrace *json, struct slice text, gboolean whole)
{
    guint start = 0;

    while (whole && (slice_ends(text, "\n") || slice_ends(text, "\r")))
        text.size--;
    for (size_t at = 0; at <= text.size;) {
        const char *feed = memchr(text.at + at, '\n', text.size - at);
        size_t end = feed ? (size_t)(feed - text.at) : text.size;
        while (start + 1 < json->starts->len && g_array_index(json->starts, struct start, start + 1).at <= at)
            start++;
        struct source_line line = {
            .text = {text.at + at, end - at},
            .offset = start < json->starts->len ? g_array_index(json->starts, struct start, start).offset : 0,
            .number = json->number,
            .ended = TRUE,
            .clipped = !feed && !whole,
        };
        if (line.clipped && line.text.size == 0)
            return;
        if (slice_ends(line.text, "\r"))
            line.text.size--;
        json->take(json->take_data, &line);
        at = end + 1;
    }
}

static void jsontrace_piece(struct jsontrace *json, struct slice text, uint64_t offset, gboolean exact);
static void jsontrace_line_end(struct jsontrace *json);

/* JSON in a string. */
static void tell_nested(struct jsontrace *json, struct slice text, const char *path)
{
    struct jsontrace *nested = jsontrace_make(json->known, json->nested + 1, json->take, json->take_data);
    uint64_t offset = json->starts->len > 0 ? g_array_index(json->starts, struct start, 0).offset : 0;

    g_string_assign(nested->path, path);
    nested->number = json->number;
    jsontrace_piece(nested, text, offset, FALSE);
    jsontrace_line_end(nested);
    jsontrace_unmake(nested);
}

/* A string that is a value; ${whole}: its end was there. */
static void take_value(struct jsontrace *json, gboolean whole)
{
    struct known *known = json->known;
    struct slice text = {json->string->str, json->string->len}, trimmed = slice_trim(text);
    g_autofree char *path = json->path->len == 0  ? g_strdup(json->key->str)
                            : json->key->len == 0 ? g_strdup(json->path->str)
                                                  : g_strconcat(json->path->str, ".", json->key->str, NULL);

    if (json->nested < JSON_NESTED && slice_begins(trimmed, "{") && memmem(trimmed.at, trimmed.size, "\":", 2)) {
        tell_nested(json, trimmed, path);
        return;
    }
    unsigned i = find_path(known, path);
    gboolean prefixed = has_prefix(text), is_trace = prefixed || trace_filter_has(text.at, text.at + text.size);
    if (known->learning) {
        if (!is_trace || i == NO_PATH)
            return;
        known->paths[i].n_traces++;
        known->paths[i].n_prefixed += prefixed;
        known->record |= UINT32_C(1) << i;
        for (unsigned other = 0; other < known->n_paths; other++)
            if (known->record & UINT32_C(1) << other)
                known->paths[other].beside |= known->record;
        return;
    }
    if (i != NO_PATH && known->paths[i].wanted) {
        known->told = TRUE;
        tell_lines(json, text, whole);
    } else if (is_trace && known->spare->len == 0) {
        g_string_append_len(known->spare, text.at, (gssize)text.size);
        known->spare_offset = json->starts->len > 0 ? g_array_index(json->starts, struct start, 0).offset : 0;
        known->spare_number = json->number;
    }
}

/* A record is over: what is told below another key stands for what none of the wanted ones has told. */
static void end_record(struct jsontrace *json)
{
    struct known *known = json->known;
    struct start start = {0, known->spare_offset};
    unsigned number = json->number;

    if (!known->told && known->spare->len > 0) {
        g_array_set_size(json->starts, 0);
        g_array_append_val(json->starts, start);
        json->number = known->spare_number;
        tell_lines(json, (struct slice){known->spare->str, known->spare->len}, TRUE);
        json->number = number;
        g_array_set_size(json->starts, 0);
    }
    g_string_truncate(known->spare, 0);
    known->record = 0;
    known->told = FALSE;
}

static void end_string(struct jsontrace *json, gboolean whole)
{
    if (json->held || json->in_string)
        take_value(json, whole);
    json->held = json->in_string = json->overflow = FALSE;
    json->escape = 0;
    json->high = 0;
    g_string_truncate(json->string, 0);
    g_array_set_size(json->starts, 0);
}

static void begin_string(struct jsontrace *json, uint64_t offset)
{
    struct start start = {0, offset + 1};

    end_string(json, TRUE);
    json->in_string = TRUE;
    g_array_append_val(json->starts, start);
}

/* Lines of a long string are told before its end. */
static void make_room(struct jsontrace *json)
{
    char *feed = memrchr(json->string->str, '\n', json->string->len);

    if (!feed) {
        json->overflow = TRUE;
        return;
    }
    g_autoptr(GString) rest = g_string_new(feed + 1);
    struct start last = g_array_index(json->starts, struct start, json->starts->len - 1);
    g_string_truncate(json->string, (gsize)(feed - json->string->str));
    take_value(json, TRUE);
    g_string_assign(json->string, rest->str);
    g_array_set_size(json->starts, 0);
    last.at = 0;
    g_array_append_val(json->starts, last);
}

static void put(struct jsontrace *json, gunichar c, uint64_t next)
{
    if (c == '\n') {
        struct start start = {json->string->len + 1, next};
        json->overflow = FALSE;
        g_array_append_val(json->starts, start);
    }
    if (json->overflow)
        return;
    if (c == 0)
        c = '?';
    g_string_append_unichar(json->string, c);
    if (json->string->len >= JSON_STRING_BYTES)
        make_room(json);
}

static void put_unit(struct jsontrace *json, gunichar unit, uint64_t next)
{
    gunichar c = unit;

    if (json->high && unit >= 0xdc00 && unit < 0xe000)
        c = 0x10000 + ((json->high - 0xd800) << 10) + (unit - 0xdc00);
    else if (unit >= 0xdc00 && unit < 0xe000)
        c = '?';
    json->high = unit >= 0xd800 && unit < 0xdc00 ? unit : 0;
    if (!json->high)
        put(json, c, next);
}

static void take_escaped(struct jsontrace *json, char c, uint64_t next)
{
    static const char letters[] = "nrtbf", meant[] = "\n\r\t  ";

    if (json->escape == 'u') {
        if (!g_ascii_isxdigit(c)) {
            json->escape = 0;
            return;
        }
        json->unit = json->unit << 4 | (gunichar)g_ascii_xdigit_value(c);
        if (++json->n_digits == 4) {
            json->escape = 0;
            put_unit(json, json->unit, next);
        }
        return;
    }
    json->escape = 0;
    if (c == 'u') {
        json->escape = 'u';
        json->n_digits = 0;
        json->unit = 0;
        return;
    }
    const char *letter = c ? strchr(letters, c) : NULL;
    put(json, letter ? (gunichar)meant[letter - letters] : (guchar)c, next);
}

/* ---- What is round them ---- */

static void push(struct jsontrace *json, char kind)
{
    end_string(json, TRUE);
    if (kind == '{' && json->nested == 0 && (json->depth == 0 || json->open[MIN(json->depth, JSON_DEPTH) - 1] == '['))
        end_record(json);
    if (json->depth < JSON_DEPTH) {
        json->open[json->depth] = kind;
        json->path_sizes[json->depth] = json->path->len;
        if (json->key->len > 0 && json->path->len + json->key->len < JSON_PATH_BYTES) {
            if (json->path->len > 0)
                g_string_append_c(json->path, '.');
            g_string_append(json->path, json->key->str);
        }
    }
    json->depth++;
    g_string_truncate(json->key, 0);
}

static void pop(struct jsontrace *json)
{
    end_string(json, TRUE);
    if (json->depth == 0)
        return;
    if (--json->depth < JSON_DEPTH)
        g_string_truncate(json->path, json->path_sizes[json->depth]);
    g_string_truncate(json->key, 0);
}

static void take_mark(struct jsontrace *json, char c, uint64_t offset)
{
    switch (c) {
    case '"':
        begin_string(json, offset);
        return;
    case ':':
        if (json->held) {
            g_string_truncate(json->string, MIN(json->string->len, JSON_PATH_BYTES));
            g_string_assign(json->key, json->string->str);
            json->held = FALSE;
            end_string(json, TRUE);
        }
        return;
    case '{':
    case '[':
        push(json, c);
        return;
    case '}':
    case ']':
        pop(json);
        return;
    case ',':
        end_string(json, TRUE);
        if (json->depth == 0 || json->open[MIN(json->depth, JSON_DEPTH) - 1] == '{')
            g_string_truncate(json->key, 0);
        return;
    default:
        return;
    }
}

static void jsontrace_piece(struct jsontrace *json, struct slice text, uint64_t offset, gboolean exact)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];
        uint64_t here = exact ? offset + i : offset;
        if (!json->in_string) {
            take_mark(json, c, here);
        } else if (json->escape) {
            take_escaped(json, c, here + 1);
        } else if (c == '\\') {
            json->escape = '\\';
        } else if (c == '"') {
            json->in_string = FALSE;
            json->held = TRUE;
        } else if (!json->overflow) {
            g_string_append_c(json->string, c ? c : '?');
            if (json->string->len >= JSON_STRING_BYTES)
                make_room(json);
        }
    }
}

/* No string goes over the end of a line; what does was cut. */
static void jsontrace_line_end(struct jsontrace *json)
{
    end_string(json, !json->in_string);
}

/* ---- Lines ---- */

gboolean jsontrace_begins(struct slice line)
{
    struct slice text = slice_trim(line);
    return slice_begins(text, "{") && memchr(text.at, '"', text.size) != NULL;
}

static void reset(struct jsontrace *json)
{
    json->depth = 0;
    g_string_truncate(json->path, 0);
    g_string_truncate(json->key, 0);
}

/* Where JSON begins in the line; its size if there is none. */
static size_t find_json(struct jsontrace *json, struct slice line)
{
    struct slice text = slice_trim(line);

    if (text.size == 0)
        return line.size;
    if (!slice_begins(text, "[Thr")) {
        if (strchr("{}[]\",:", text.at[0]))
            return (size_t)(text.at - line.at);
        if (json->depth > 0 && !has_prefix(text))
            return 0;
    }
    const char *brace = memmem(line.at, line.size, "{\"", 2);
    return brace && !slice_begins(text, "[Thr") ? (size_t)(brace - line.at) : line.size;
}

void jsontrace_take(struct jsontrace *json, const struct source_line *line)
{
    struct slice text = line->text;
    uint64_t offset = line->offset;

    json->number = line->number;
    if (!json->inside) {
        size_t at = find_json(json, text);
        json->passing = at == text.size;
        struct slice before = slice_trim((struct slice){text.at, at});
        if (json->passing || (text.at[at] == '{' && (at == 0 || before.size > 0))) /* nothing goes on from above */
            reset(json);
        if (!json->passing) {
            offset += line->exact ? at : 0;
            text = slice_from(text, at);
        }
    }
    json->inside = !line->ended;
    if (json->passing) {
        end_record(json);
        if (!json->known->learning)
            json->take(json->take_data, line);
        return;
    }
    jsontrace_piece(json, text, offset, line->exact);
    if (line->ended)
        jsontrace_line_end(json);
}

void jsontrace_end(struct jsontrace *json)
{
    if (!json->passing)
        jsontrace_line_end(json);
    end_record(json);
    reset(json);
    json->inside = json->passing = FALSE;
}

/* ---- Learning ---- */

static gboolean is_better(const struct path *path, const struct path *than)
{
    return path->n_prefixed != than->n_prefixed ? path->n_prefixed > than->n_prefixed : path->n_traces > than->n_traces;
}

/* A key or a record stands in it. */
static gboolean has_keys(struct slice text)
{
    struct slice rest;
    return slice_find(text, "\":", &rest) || slice_find(text, "\" :", &rest) || jsontrace_begins(text);
}

/* A string of a list, and nothing else. */
static gboolean is_string(struct slice text)
{
    return (slice_begins(text, "\"") || slice_begins(text, "[\"")) &&
           (slice_ends(text, "\"") || slice_ends(text, "\",") || slice_ends(text, "\"]"));
}

static gboolean may_be_json(const struct slice *lines, size_t n)
{
    size_t n_strings = 0;

    for (size_t i = 0; i < n; i++) {
        struct slice text = slice_trim(lines[i]);
        n_strings += is_string(text);
        if (has_keys(text) || n_strings >= LIST_STRINGS)
            return TRUE;
    }
    return FALSE;
}

size_t jsontrace_learn(struct jsontrace *json, const struct slice *lines, size_t n)
{
    struct known *known = json->known;
    const struct path *best = NULL;
    size_t n_traces = 0;

    if (!may_be_json(lines, n))
        return 0;
    known->learning = TRUE;
    for (size_t i = 0; i < n; i++) {
        struct source_line line = {.text = lines[i], .ended = TRUE};
        jsontrace_take(json, &line);
    }
    jsontrace_end(json);
    known->learning = FALSE;
    for (unsigned i = 0; i < known->n_paths; i++)
        if (known->paths[i].n_traces > 0 && (!best || is_better(&known->paths[i], best)))
            best = &known->paths[i];
    for (unsigned i = 0; best && i < known->n_paths; i++) {
        struct path *path = &known->paths[i];
        path->wanted = path->n_traces > 0 && (path == best || !(path->beside & UINT32_C(1) << (best - known->paths)));
        n_traces += path->wanted ? path->n_traces : 0;
    }
    return n_traces;
}
