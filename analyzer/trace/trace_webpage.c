#include "trace_webpage.h"

#include "trace_copied.h"
#include "trace_filter.h"
#include "trace_prefix.h"

#define ENTITY_BYTES 12 /* of one without "&" and ";" */
#define NAME_BYTES   16

enum tag_kind { TAG_INLINE, TAG_LINE, TAG_CELL, TAG_HIDDEN };

static const struct tag {
    const char *name;
    enum tag_kind kind;
} tags[] = {
    {"a", TAG_INLINE},      {"abbr", TAG_INLINE},   {"address", TAG_LINE},    {"article", TAG_LINE},
    {"aside", TAG_LINE},    {"b", TAG_INLINE},      {"blockquote", TAG_LINE}, {"body", TAG_LINE},
    {"br", TAG_LINE},       {"button", TAG_LINE},   {"caption", TAG_LINE},    {"center", TAG_LINE},
    {"cite", TAG_INLINE},   {"code", TAG_INLINE},   {"col", TAG_LINE},        {"colgroup", TAG_LINE},
    {"dd", TAG_LINE},       {"del", TAG_INLINE},    {"details", TAG_LINE},    {"dfn", TAG_INLINE},
    {"div", TAG_LINE},      {"dl", TAG_LINE},       {"dt", TAG_LINE},         {"em", TAG_INLINE},
    {"fieldset", TAG_LINE}, {"font", TAG_INLINE},   {"footer", TAG_LINE},     {"form", TAG_LINE},
    {"h1", TAG_LINE},       {"h2", TAG_LINE},       {"h3", TAG_LINE},         {"h4", TAG_LINE},
    {"h5", TAG_LINE},       {"h6", TAG_LINE},       {"head", TAG_LINE},       {"header", TAG_LINE},
    {"hr", TAG_LINE},       {"html", TAG_LINE},     {"i", TAG_INLINE},        {"iframe", TAG_LINE},
    {"img", TAG_INLINE},    {"input", TAG_INLINE},  {"ins", TAG_INLINE},      {"kbd", TAG_INLINE},
    {"label", TAG_INLINE},  {"li", TAG_LINE},       {"link", TAG_LINE},       {"main", TAG_LINE},
    {"mark", TAG_INLINE},   {"meta", TAG_LINE},     {"nav", TAG_LINE},        {"nobr", TAG_INLINE},
    {"noscript", TAG_LINE}, {"o:p", TAG_INLINE},    {"ol", TAG_LINE},         {"p", TAG_LINE},
    {"pre", TAG_LINE},      {"q", TAG_INLINE},      {"s", TAG_INLINE},        {"samp", TAG_INLINE},
    {"script", TAG_HIDDEN}, {"section", TAG_LINE},  {"small", TAG_INLINE},    {"span", TAG_INLINE},
    {"strike", TAG_INLINE}, {"strong", TAG_INLINE}, {"style", TAG_HIDDEN},    {"sub", TAG_INLINE},
    {"summary", TAG_LINE},  {"sup", TAG_INLINE},    {"table", TAG_LINE},      {"tbody", TAG_LINE},
    {"td", TAG_CELL},       {"textarea", TAG_LINE}, {"tfoot", TAG_LINE},      {"th", TAG_CELL},
    {"thead", TAG_LINE},    {"title", TAG_LINE},    {"tr", TAG_LINE},         {"tt", TAG_INLINE},
    {"u", TAG_INLINE},      {"ul", TAG_LINE},       {"var", TAG_INLINE},      {"wbr", TAG_INLINE},
};

static const struct {
    const char *name;
    gunichar means;
} entities[] = {
    {"amp", '&'},       {"apos", '\''},   {"gt", '>'},      {"lt", '<'},      {"nbsp", ' '},    {"quot", '"'},
    {"ldquo", '"'},     {"rdquo", '"'},   {"bdquo", '"'},   {"lsquo", '\''},  {"rsquo", '\''},  {"ndash", '-'},
    {"mdash", '-'},     {"minus", '-'},   {"hyphen", '-'},  {"ensp", ' '},    {"emsp", ' '},    {"thinsp", ' '},
    {"colon", ':'},     {"equals", '='},  {"lpar", '('},    {"rpar", ')'},    {"lsqb", '['},    {"rsqb", ']'},
    {"lbrack", '['},    {"rbrack", ']'},  {"comma", ','},   {"period", '.'},  {"sol", '/'},     {"ast", '*'},
    {"num", '#'},       {"lowbar", '_'},  {"plus", '+'},    {"vert", '|'},    {"Tab", '\t'},    {"NewLine", '\n'},
    {"auml", 0xe4},     {"ouml", 0xf6},   {"uuml", 0xfc},   {"Auml", 0xc4},   {"Ouml", 0xd6},   {"Uuml", 0xdc},
    {"szlig", 0xdf},    {"eacute", 0xe9}, {"egrave", 0xe8}, {"agrave", 0xe0}, {"ccedil", 0xe7}, {"ntilde", 0xf1},
    {"hellip", 0x2026},
};

enum state { IN_TEXT, IN_ENTITY, IN_TAG, IN_COMMENT, IN_HIDDEN };

struct webpage {
    source_take *take;
    void *take_data;
    enum state state;
    GString *part; /* of the tag or entity that is read */
    char quote;    /* in a tag: of the value that is open */
    char hidden[NAME_BYTES];
    GString *line; /* that comes out */
    struct source_line place;
};

struct webpage *webpage_new(source_take *take, void *data)
{
    struct webpage *webpage = g_new0(struct webpage, 1);

    webpage->take = take;
    webpage->take_data = data;
    webpage->part = g_string_new(NULL);
    webpage->line = g_string_new(NULL);
    return webpage;
}

void webpage_free(struct webpage *webpage)
{
    if (!webpage)
        return;
    g_string_free(webpage->part, TRUE);
    g_string_free(webpage->line, TRUE);
    g_free(webpage);
}

/* ---- Text ---- */

static void end_line(struct webpage *webpage, gboolean ended)
{
    struct slice text = {webpage->line->str, webpage->line->len};

    while (text.size > 0 && (slice_is_blank(text.at[text.size - 1]) || text.at[text.size - 1] == '\r'))
        text.size--;
    if (text.size > 0) {
        webpage->place.text = text;
        webpage->place.ended = ended;
        webpage->take(webpage->take_data, &webpage->place);
    }
    g_string_truncate(webpage->line, 0);
}

static void put(struct webpage *webpage, gunichar c, uint64_t offset, unsigned number)
{
    if (c == '\n') {
        end_line(webpage, TRUE);
        return;
    }
    if (webpage->line->len == 0)
        webpage->place = (struct source_line){.offset = offset, .number = number};
    if (webpage->line->len < WEBPAGE_LINE_BYTES)
        g_string_append_unichar(webpage->line, c ? c : '?');
}

static void put_byte(struct webpage *webpage, char c, uint64_t offset, unsigned number)
{
    if (webpage->line->len == 0)
        webpage->place = (struct source_line){.offset = offset, .number = number};
    if (webpage->line->len < WEBPAGE_LINE_BYTES)
        g_string_append_c(webpage->line, c ? c : '?');
}

static void put_part(struct webpage *webpage, char before, uint64_t offset, unsigned number)
{
    put_byte(webpage, before, offset, number);
    for (size_t i = 0; i < webpage->part->len; i++)
        put_byte(webpage, webpage->part->str[i], offset, number);
    g_string_truncate(webpage->part, 0);
    webpage->state = IN_TEXT;
}

/* What an entity's name or number stands for; 0 if it is none. */
static gunichar entity_of(const char *name)
{
    if (*name == '#') {
        gboolean hex = name[1] == 'x' || name[1] == 'X';
        const char *digits = name + (hex ? 2 : 1);
        char *end = NULL;
        if (!g_ascii_isxdigit(*digits))
            return 0;
        guint64 number = g_ascii_strtoull(digits, &end, hex ? 16 : 10);
        if (*end || number == 0 || number > 0x10ffff || (number >= 0xd800 && number < 0xe000))
            return 0;
        return number == 0xa0 ? ' ' : (gunichar)number;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(entities); i++)
        if (strcmp(entities[i].name, name) == 0)
            return entities[i].means;
    return 0;
}

/* ---- Tags ---- */

static size_t take_name(const char *text, char name[NAME_BYTES])
{
    size_t at = *text == '/' ? 1 : 0, n = 0;

    while (n + 1 < NAME_BYTES && (g_ascii_isalnum(text[at + n]) || text[at + n] == ':' || text[at + n] == '-')) {
        name[n] = g_ascii_tolower(text[at + n]);
        n++;
    }
    name[n] = '\0';
    return at + n;
}

static const struct tag *find_tag(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(tags); i++)
        if (strcmp(tags[i].name, name) == 0)
            return &tags[i];
    return NULL;
}

static gboolean is_tag(const char *text)
{
    char name[NAME_BYTES];
    size_t size = take_name(text, name);

    if (*text == '!' || *text == '?')
        return g_ascii_strncasecmp(text + 1, "doctype", 7) == 0 || g_ascii_strncasecmp(text + 1, "xml", 3) == 0 ||
               text[1] == '[';
    if (text[size] && !strchr(" \t\n/", text[size]))
        return FALSE;
    return find_tag(name) != NULL || (g_ascii_isalpha(name[0]) && strchr(name, '-'));
}

static void end_tag(struct webpage *webpage, uint64_t offset, unsigned number)
{
    char name[NAME_BYTES];

    if (!is_tag(webpage->part->str)) {
        put_part(webpage, '<', offset, number);
        put_byte(webpage, '>', offset, number);
        return;
    }
    take_name(webpage->part->str, name);
    const struct tag *tag = find_tag(name);
    gboolean begins = webpage->part->str[0] != '/', alone = g_str_has_suffix(webpage->part->str, "/");
    webpage->state = IN_TEXT;
    if (tag && tag->kind == TAG_LINE)
        end_line(webpage, TRUE);
    else if (tag && tag->kind == TAG_CELL && webpage->line->len > 0)
        put_byte(webpage, '\t', offset, number);
    else if (tag && tag->kind == TAG_HIDDEN && begins && !alone) {
        webpage->state = IN_HIDDEN;
        g_strlcpy(webpage->hidden, name, sizeof webpage->hidden);
    }
    g_string_truncate(webpage->part, 0);
}

static void take_in_tag(struct webpage *webpage, char c, uint64_t offset, unsigned number)
{
    GString *part = webpage->part;

    if (part->len == 0 && !g_ascii_isalpha(c) && c != '/' && c != '!' && c != '?') {
        webpage->state = IN_TEXT;
        put_byte(webpage, '<', offset, number);
        if (c == '<' || c == '&')
            webpage->state = c == '<' ? IN_TAG : IN_ENTITY;
        else
            put_byte(webpage, c, offset, number);
        return;
    }
    if (c == '>' && !webpage->quote) {
        end_tag(webpage, offset, number);
        return;
    }
    g_string_append_c(part, c ? c : '?');
    if (webpage->quote)
        webpage->quote = c == webpage->quote ? 0 : webpage->quote;
    else if ((c == '"' || c == '\'') && g_str_has_suffix(part->str, c == '"' ? "=\"" : "='"))
        webpage->quote = c;
    if (strcmp(part->str, "!--") == 0) {
        webpage->state = IN_COMMENT;
        g_string_truncate(part, 0);
    } else if (part->len >= WEBPAGE_TAG_BYTES || (c == '<' && !webpage->quote)) {
        webpage->quote = 0;
        put_part(webpage, '<', offset, number);
    }
}

/* The end of a comment, a script, a style sheet, of which nothing is told. */
static void take_hidden(struct webpage *webpage, char c)
{
    GString *part = webpage->part;

    if (part->len >= 2 * NAME_BYTES)
        g_string_erase(part, 0, NAME_BYTES);
    g_string_append_c(part, c ? g_ascii_tolower(c) : '?');
    if (webpage->state == IN_COMMENT) {
        if (!g_str_has_suffix(part->str, "-->"))
            return;
    } else {
        g_autofree char *end = g_strconcat("</", webpage->hidden, ">", NULL);
        if (!g_str_has_suffix(part->str, end))
            return;
    }
    g_string_truncate(part, 0);
    webpage->state = IN_TEXT;
}

static void take_entity(struct webpage *webpage, char c, uint64_t offset, unsigned number)
{
    GString *part = webpage->part;
    gunichar means = c == ';' ? entity_of(part->str) : 0;

    if (means) {
        g_string_truncate(part, 0);
        webpage->state = IN_TEXT;
        put(webpage, means, offset, number);
        return;
    }
    if (part->len < ENTITY_BYTES && (g_ascii_isalnum(c) || (c == '#' && part->len == 0))) {
        g_string_append_c(part, c);
        return;
    }
    put_part(webpage, '&', offset, number);
    if (c == '&')
        webpage->state = IN_ENTITY;
    else if (c == '<')
        webpage->state = IN_TAG;
    else
        put_byte(webpage, c, offset, number);
}

/* ---- Lines ---- */

void webpage_take(struct webpage *webpage, const struct source_line *line)
{
    struct slice name, text = line->text;

    /* What is hidden has no lines of a trace: then its end was cut out. */
    if ((webpage->state == IN_HIDDEN || webpage->state == IN_COMMENT) && trace_prefix_take(&text, &name)) {
        webpage->state = IN_TEXT;
        g_string_truncate(webpage->part, 0);
    }
    for (size_t i = 0; i < line->text.size; i++) {
        char c = line->text.at[i];
        uint64_t offset = line->offset + (line->exact ? i : 0);
        switch (webpage->state) {
        case IN_TEXT:
            if (c == '&')
                webpage->state = IN_ENTITY;
            else if (c == '<')
                webpage->state = IN_TAG;
            else
                put_byte(webpage, c, offset, line->number);
            break;
        case IN_ENTITY:
            take_entity(webpage, c, offset, line->number);
            break;
        case IN_TAG:
            take_in_tag(webpage, c, offset, line->number);
            break;
        case IN_COMMENT:
        case IN_HIDDEN:
            take_hidden(webpage, c);
            break;
        }
    }
    if (!line->ended)
        return;
    if (webpage->state == IN_ENTITY)
        put_part(webpage, '&', line->offset, line->number);
    if (webpage->state == IN_TAG && !is_tag(webpage->part->str))
        put_part(webpage, '<', line->offset, line->number);
    if (webpage->state == IN_TAG)
        g_string_append_c(webpage->part, ' ');
    else if (webpage->state == IN_TEXT)
        end_line(webpage, TRUE);
}

void webpage_end(struct webpage *webpage)
{
    if (webpage->state == IN_ENTITY)
        put_part(webpage, '&', webpage->place.offset, webpage->place.number);
    end_line(webpage, FALSE);
}

/* ---- Learning ---- */

static size_t count_of(struct slice line, const char *const *words)
{
    size_t n = 0;
    struct slice rest;

    for (; *words; words++)
        n += slice_find_fold(line, *words, &rest);
    return n;
}

/* A line of a trace without any webpage: what a browser would have had to write otherwise stands in it. */
static gboolean is_plain(struct slice line)
{
    static const char *const signs[] = {"=> ", ">> -", "<< -", "<<-", NULL};
    struct slice rest;

    for (size_t i = 0; signs[i]; i++)
        if (slice_find(line, signs[i], &rest))
            return TRUE;
    return FALSE;
}

gboolean webpage_learn(const struct slice *lines, size_t n)
{
    static const char *const documents[] = {"<!doctype html", "<html",  "<pre>",     "<pre ",
                                            "<body",          "<table", "<textarea", NULL};
    static const char *const ends[] = {"<br>",   "<br/>",   "<br />", "</p>",    "</td>", "</li>",
                                       "</div>", "</span>", "</pre>", "</code>", "</tr>", NULL};
    static const char *const written[] = {"=&gt;",        "&gt;&gt;",      "&lt;&lt;",      "=&quot;",    " &quot;",
                                          "=&#34;",       " &#34;",        "=&#62;",        "&#62;&#62;", "&#60;&#60;",
                                          "=&#x3e;",      "&nbsp;&nbsp;",  "]&nbsp;",       "=&#x22;",    " &#x22;",
                                          "&#39;s x.509", "&#x27;s x.509", "&apos;s x.509", NULL};
    size_t n_plain = 0, n_ends = 0, n_written = 0, n_traces = 0;
    gboolean document = FALSE;

    for (size_t i = 0; i < n; i++) {
        struct slice line = lines[i], name;
        gboolean marked = memchr(line.at, '<', line.size) || memchr(line.at, '&', line.size);
        gboolean is_trace = trace_filter_has(line.at, line.at + line.size) || trace_prefix_find(&line, &name);
        n_traces += is_trace;
        n_plain += is_plain(lines[i]);
        if (!marked)
            continue;
        document = document || (n_plain == 0 && count_of(lines[i], documents) > 0);
        n_ends += count_of(lines[i], ends) > 0;
        n_written += count_of(lines[i], written) > 0;
    }
    if (document && n_traces <= 1) /* ... in the first 64 KiB of a page there may be none */
        return TRUE;
    return (document && (n_written >= n_plain || n_ends >= n_traces / 2)) || n_written > n_plain ||
           (n_ends >= 2 && n_ends * 2 >= n_traces);
}
