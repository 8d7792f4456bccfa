#include "trace_wrap.h"

#include "trace_copied.h"
#include "trace_failure.h"
#include "trace_header.h"
#include "trace_prefix.h"
#include "trace_stamp.h"

#define KINDS        8 /* of lines that are told apart */
#define BLANKS_LOST  4 /* at the end of a line that was cut within blanks */
#define PREFIX       "[Thr "
#define KIND_LETTERS ((size_t)24)

/* ---- What a line looks like ---- */

static size_t columns_of(struct slice text)
{
    size_t columns = 0;
    for (size_t i = 0; i < text.size; i++)
        columns += ((uint8_t)text.at[i] & 0xc0) != 0x80;
    return columns;
}

static struct slice without_end(struct slice text)
{
    while (text.size > 0 && (slice_is_blank(text.at[text.size - 1]) || text.at[text.size - 1] == '\r'))
        text.size--;
    return text;
}

static struct slice body_of(struct slice line)
{
    struct slice name;

    trace_prefix_find(&line, &name);
    return slice_trim(line);
}

static gboolean has_prefix(struct slice line)
{
    struct slice name;
    return trace_prefix_find(&line, &name);
}

/* Without knowing better: by a thread's prefix, or by how lines begin. */
static gboolean begins_alone(G_GNUC_UNUSED const void *data, struct slice line)
{
    int64_t local;

    if (has_prefix(line))
        return TRUE;
    line = slice_trim(without_end(line));
    if (line.size < strlen(PREFIX) && memcmp(PREFIX, line.at, line.size) == 0) /* as far as it goes, or empty */
        return TRUE;
    return trace_copied_begins(line) || slice_begins(line, "Peer") || slice_begins(line, "trc file:") ||
           header_is_rule(line) || trace_stamp_take(line, &local);
}

static size_t count_of(struct slice text, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < text.size; i++)
        n += text.at[i] == c;
    return n;
}

static gboolean is_label(struct slice text)
{
    size_t i = 0;

    while (i < text.size && (slice_is_word(text.at[i]) || text.at[i] == ' '))
        i++;
    return i > 0 && i < text.size && text.at[i] == ':';
}

static gboolean is_name(struct slice body)
{
    struct slice rest = body;
    return (slice_take(&rest, "Subject") || slice_take(&rest, "Issuer")) && is_label(body);
}

/* Whether ${line} is certainly not whole: something in it is open, or a name goes on in what is no label. */
static gboolean is_open(struct slice line, struct slice next)
{
    return count_of(line, '"') % 2 == 1 || count_of(line, '(') > count_of(line, ')') ||
           (is_name(body_of(line)) && !is_label(slice_trim(next)));
}

/* Whether the line's end and the next one's beginning may be one word. */
static gboolean is_mid_word(struct slice line, struct slice next)
{
    return line.size > 0 && next.size > 0 && slice_is_word(line.at[line.size - 1]) &&
           (slice_is_word(next.at[0]) || strchr(".:=(-", next.at[0]));
}

static size_t first_word(struct slice line)
{
    struct slice run;

    line = slice_trim(without_end(line));
    return slice_take_run(&line, &run) ? columns_of(run) : 0;
}

/* ---- Learning ---- */

struct page {
    const struct slice *lines;
    size_t n;
    size_t *columns; /* of each line, without blanks at its end */
    gboolean *owns;  /* it is no rest of the one before */
    gboolean owned;  /* most lines are marked as lines: what is not is a rest */
    size_t widest, n_rests;
};

static gboolean is_continued(const struct page *page, size_t i)
{
    return i + 1 < page->n && page->columns[i] > 0 && !page->owns[i + 1];
}

static void count_kind(struct slice kinds[KINDS], size_t *n, struct slice body)
{
    body.size = MIN(body.size, KIND_LETTERS);
    for (size_t i = 0; i < body.size; i++)
        if (slice_is_blank(body.at[i]) || body.at[i] == ':')
            body.size = i;
    for (size_t i = 0; i < *n; i++)
        if (kinds[i].size == body.size && memcmp(kinds[i].at, body.at, body.size) == 0)
            return;
    if (*n < KINDS)
        kinds[(*n)++] = body;
}

/* The widths that pages have. */
static gboolean is_usual(size_t columns)
{
    static const size_t usual[] = {64,  65,  70,  72,  74,  75,  76,  78,  79,  80,  90,  96,  100, 110, 120, 127,
                                   128, 130, 131, 132, 133, 140, 150, 160, 180, 200, 254, 255, 256, 300, 320};
    for (size_t i = 0; i < G_N_ELEMENTS(usual); i++)
        if (columns == usual[i])
            return TRUE;
    return FALSE;
}

struct signs { /* that lines were cut at a column */
    size_t cut, open, words, kinds, longer;
};

/* Whether more of a line that is not continued must have stood behind its end; or a name may have gone on. */
static gboolean is_torn_off(struct slice line)
{
    struct slice body = body_of(line);
    gboolean country = body.size >= 4 && memcmp(body.at + body.size - 4, "C=", 2) == 0;

    return count_of(line, '"') % 2 == 1 || count_of(line, '(') > count_of(line, ')') || (is_name(body) && !country);
}

/* Of lines that reach the column and are followed by a rest (${rests}), or not. */
static struct signs signs_at(const struct page *page, size_t columns, gboolean rests)
{
    struct signs signs = {0};
    struct slice kinds[KINDS];

    for (size_t i = 0; i < page->n; i++) {
        signs.longer += page->columns[i] > columns;
        size_t lost = rests && columns > page->columns[i] ? columns - page->columns[i] : 0;
        if (page->columns[i] + lost != columns || lost > BLANKS_LOST || is_continued(page, i) != rests)
            continue;
        struct slice line = without_end(page->lines[i]);
        signs.cut++;
        if (rests) {
            signs.open += is_open(line, page->lines[i + 1]);
            signs.words += is_mid_word(line, page->lines[i + 1]);
        } else {
            signs.open += is_torn_off(line);
        }
        count_kind(kinds, &signs.kinds, body_of(line));
    }
    return signs;
}

static gboolean is_hard(const struct page *page, size_t columns)
{
    struct signs signs = signs_at(page, columns, TRUE);

    if (signs.cut == 0)
        return FALSE;
    if (page->owned) {
        if (signs.longer * 4 > signs.cut)
            return FALSE;
        if (signs.cut >= 2 && signs.kinds >= 2)
            return signs.open + signs.words >= 1;
        return signs.open >= 1 || (signs.words >= 1 && is_usual(columns));
    }
    if (signs.longer > 0 || signs.open == 0)
        return FALSE;
    return (signs.cut >= 2 && signs.kinds >= 2) || is_usual(columns);
}

/* The column at which most lines end that go on. */
static size_t hard_columns(const struct page *page)
{
    size_t best = 0, most = 0;
    size_t counts[WRAP_COLUMNS_MOST + 1] = {0};

    for (size_t i = 0; i < page->n; i++) {
        size_t columns = page->columns[i];
        if (columns < WRAP_COLUMNS_LEAST || columns > WRAP_COLUMNS_MOST || !is_continued(page, i))
            continue;
        if (++counts[columns] > most || (counts[columns] == most && columns > best)) {
            most = counts[columns];
            best = columns;
        }
    }
    return best;
}

static gboolean goes_on_softly(size_t columns, size_t widest, struct slice next)
{
    return columns <= widest && columns + 1 + first_word(next) > widest;
}

/* Whether lines that go on do so because the next word had no room; ${*all}: all of them. */
static gboolean is_soft(const struct page *page, gboolean *all)
{
    struct slice kinds[KINDS];
    size_t n_kinds = 0, n = 0, n_open = 0, n_fit = 0;

    *all = FALSE;
    if (page->widest < WRAP_COLUMNS_LEAST || page->widest > WRAP_COLUMNS_MOST)
        return FALSE;
    for (size_t i = 0; i < page->n; i++) {
        if (!is_continued(page, i))
            continue;
        n++;
        if (!goes_on_softly(page->columns[i], page->widest, page->lines[i + 1]))
            continue;
        n_fit++;
        n_open += is_open(page->lines[i], page->lines[i + 1]);
        count_kind(kinds, &n_kinds, body_of(page->lines[i]));
    }
    *all = n_fit == n;
    return n_fit >= 2 && n_kinds >= 2 &&
           (page->owned ? n_fit * 10 >= n * 9 && n_open >= 1 : n_fit * 2 >= n && n_open >= 2);
}

/* Whether the line certainly was not cut at a blank. */
static gboolean is_inside_word(struct slice line, struct slice next)
{
    size_t at = line.size;

    if (slice_is_blank(next.at[0]) || memchr(",=)", next.at[0], 3))
        return TRUE;
    if (!is_mid_word(line, next))
        return FALSE;
    if (g_ascii_islower(next.at[0]))
        return g_ascii_isalpha(line.at[line.size - 1]);
    while (at > 0 && slice_is_word(line.at[at - 1]) && line.at[at - 1] != '_')
        at--;
    return at > 0 && line.at[at - 1] == '_' && g_ascii_isupper(next.at[0]); /* SSSLERR_PEER_CERT_UNTR|USTED */
}

/* Of lines that go on and may have been cut at a blank: whether they were cut at a column all the same. */
static gboolean are_full(const struct page *page, size_t columns)
{
    size_t n = 0, n_full = 0, n_inside = 0;

    for (size_t i = 0; i < page->n; i++) {
        if (!is_continued(page, i))
            continue;
        struct slice line = without_end(page->lines[i]), next = page->lines[i + 1];
        gboolean full = page->columns[i] == columns;
        n++;
        n_full += full;
        n_inside += full && is_inside_word(line, next);
    }
    return n_full == n || (n_full * 3 >= n && n_inside > 0);
}

static gboolean is_clipped(const struct page *page)
{
    struct signs signs = signs_at(page, page->widest, FALSE);

    if (page->widest < WRAP_COLUMNS_LEAST || page->widest > WRAP_COLUMNS_MOST || signs.kinds < 2)
        return FALSE;
    if (!page->owned) /* prose has lines of one length too */
        return signs.open >= 2 && signs.cut >= 3 && is_usual(page->widest);
    return signs.open >= 1 && signs.cut >= (is_usual(page->widest) ? 2 : 4);
}

/* Whether any line of this width was certainly cut within a word. */
static gboolean is_anything_inside(const struct page *page, size_t columns)
{
    for (size_t i = 0; i < page->n; i++)
        if (is_continued(page, i) && page->columns[i] == columns &&
            is_inside_word(without_end(page->lines[i]), page->lines[i + 1]))
            return TRUE;
    return FALSE;
}

static enum wrap_way way_of(struct wrap *wrap, const struct page *page, size_t *columns)
{
    size_t hard = hard_columns(page);
    gboolean all = FALSE, is = hard > 0 && is_hard(page, hard), soft = page->n_rests > 0 && is_soft(page, &all);

    *columns = is ? hard : page->widest;
    wrap->unsure = is && !is_anything_inside(page, hard);
    if (is && !(soft && all && !are_full(page, hard)))
        return WRAP_HARD;
    *columns = page->widest;
    if (soft)
        return WRAP_SOFT;
    return is_clipped(page) ? WRAP_CLIPPED : WRAP_NONE;
}

gboolean wrap_learn(struct wrap *wrap, const struct slice *lines, size_t n, wrap_owns *owns, const void *data)
{
    g_autofree size_t *columns = g_new0(size_t, n + 1);
    g_autofree gboolean *owned = g_new0(gboolean, n + 1);
    struct page page = {.lines = lines, .n = n, .columns = columns, .owns = owned};
    size_t n_marked = 0, n_filled = 0;

    wrap->owns = owns ? owns : begins_alone;
    wrap->owns_data = data;
    for (size_t i = 0; i < n; i++) {
        struct slice line = without_end(lines[i]);
        columns[i] = columns_of(line);
        owned[i] = line.size == 0 || wrap->owns(data, lines[i]);
        page.widest = MAX(page.widest, columns[i]);
        page.n_rests += !owned[i];
        n_filled += line.size > 0;
        n_marked += line.size > 0 && (owns ? owned[i] : has_prefix(line));
    }
    page.owned = n_marked * 2 >= n_filled;
    wrap->way = way_of(wrap, &page, &wrap->columns);
    return wrap->way != WRAP_NONE;
}

/* ---- Joining ---- */

void wrap_init(struct wrap *wrap, source_take *take, void *data)
{
    *wrap = (struct wrap){.take = take, .take_data = data, .owns = begins_alone};
    wrap->text = g_string_new(NULL);
}

void wrap_clear(struct wrap *wrap)
{
    g_string_free(wrap->text, TRUE);
}

void wrap_end(struct wrap *wrap)
{
    if (!wrap->pending)
        return;
    wrap->pending = FALSE;
    wrap->line.text = (struct slice){wrap->text->str, wrap->text->len};
    wrap->take(wrap->take_data, &wrap->line);
}

static struct slice pending_text(const struct wrap *wrap)
{
    return (struct slice){wrap->text->str, wrap->text->len};
}

static gboolean goes_on(const struct wrap *wrap, const struct source_line *line)
{
    if (!wrap->pending || wrap->text->len > TRACE_LINE_BYTES || without_end(line->text).size == 0)
        return FALSE;
    if (wrap->way == WRAP_HARD && (wrap->last > wrap->columns || wrap->last + BLANKS_LOST < wrap->columns))
        return FALSE;
    if (wrap->way == WRAP_SOFT && !goes_on_softly(wrap->last, wrap->columns, line->text))
        return FALSE;
    return !wrap->owns(wrap->owns_data, line->text);
}

static void keep(struct wrap *wrap, const struct source_line *line)
{
    struct slice text = without_end(line->text);

    wrap->last = columns_of(text);
    g_string_append_len(wrap->text, text.at, (gssize)text.size);
}

void wrap_take(struct wrap *wrap, const struct source_line *line)
{
    gboolean goes = !wrap->passing && wrap->way != WRAP_CLIPPED && goes_on(wrap, line);

    if (wrap->way == WRAP_NONE || wrap->passing || !line->ended) { /* a line in pieces was not wrapped */
        if (!goes || wrap->way == WRAP_NONE)
            wrap_end(wrap);
        wrap->passing = !line->ended;
        if (goes) {
            keep(wrap, line);
            wrap->line.ended = FALSE;
            wrap->line.exact = FALSE;
            wrap_end(wrap);
            return;
        }
        wrap->take(wrap->take_data, line);
        return;
    }
    if (wrap->way == WRAP_CLIPPED) {
        struct source_line one = *line;
        size_t columns = columns_of(without_end(one.text)); /* a blank at the cut may be gone too */
        one.clipped = columns == wrap->columns || columns + 1 == wrap->columns;
        wrap->take(wrap->take_data, &one);
        return;
    }
    if (goes && wrap->way == WRAP_HARD && wrap->unsure && wrap->last == wrap->columns &&
        is_name(body_of(pending_text(wrap)))) {
        wrap->line.clipped = TRUE; /* with a blank at the cut, or without one? */
        wrap_end(wrap);
        return;
    }
    if (goes) {
        size_t blanks = wrap->way == WRAP_SOFT ? 1 : wrap->columns - wrap->last;
        for (size_t i = 0; i < blanks; i++)
            g_string_append_c(wrap->text, ' ');
        wrap->line.exact = FALSE;
        keep(wrap, line);
        return;
    }
    wrap_end(wrap);
    g_string_truncate(wrap->text, 0);
    wrap->line = *line;
    wrap->pending = TRUE;
    keep(wrap, line);
}
