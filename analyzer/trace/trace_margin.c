#include "trace_margin.h"

#include "trace_copied.h"
#include "trace_prefix.h"

#define BAR          "\xe2\x94\x82" /* as boxes are drawn */
#define MARGIN_VOTES 256            /* shapes that are counted */
#define RULE_BYTES   3              /* of a line that frames a list */

static const char *const calendar[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
                                       "Nov", "Dec", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

/* ---- Shapes: "#" is a number, "@" a month or a day, blanks don't count ---- */

static gboolean take_calendar(struct slice *text)
{
    for (size_t i = 0; i < G_N_ELEMENTS(calendar); i++)
        if (slice_take(text, calendar[i]))
            return TRUE;
    return FALSE;
}

static gboolean take_digits(struct slice *text)
{
    size_t size = text->size;
    while (text->size > 0 && g_ascii_isdigit(text->at[0]))
        *text = slice_from(*text, 1);
    return text->size < size;
}

static char *shape_of(struct slice margin)
{
    GString *shape = g_string_new(NULL);
    gboolean in_word = FALSE;

    while (margin.size > 0) {
        if (slice_skip_blanks(&margin) > 0) {
            in_word = FALSE;
        } else if (take_digits(&margin)) {
            g_string_append_c(shape, '#');
            in_word = TRUE;
        } else if (!in_word && take_calendar(&margin)) {
            g_string_append_c(shape, '@');
        } else {
            in_word = slice_is_word(margin.at[0]);
            g_string_append_c(shape, margin.at[0]);
            margin = slice_from(margin, 1);
        }
    }
    return g_string_free(shape, FALSE);
}

static gboolean take_shape(struct slice *text, const char *shape)
{
    struct slice rest = *text;

    for (; *shape; shape++) {
        slice_skip_blanks(&rest);
        if (*shape == '#' ? !take_digits(&rest) : *shape == '@' ? !take_calendar(&rest) : FALSE)
            return FALSE;
        if (*shape == '#' || *shape == '@')
            continue;
        if (rest.size == 0 || rest.at[0] != *shape)
            return FALSE;
        rest = slice_from(rest, 1);
    }
    *text = rest;
    return TRUE;
}

/* ---- Learning ---- */

/* Where words stand with which a line begins; the line's size if there are none. */
static size_t find_anchor(struct slice line)
{
    size_t most = MIN(line.size, MARGIN_BYTES);
    struct slice name;

    for (const char *at = line.at; (at = memmem(at, (size_t)(line.at + most - at), "[Thr ", 5)); at++) {
        struct slice rest = slice_of(at, line.at + line.size);
        if (trace_prefix_take(&rest, &name))
            return (size_t)(at - line.at);
    }
    for (size_t i = 0; i < most; i++)
        if ((i == 0 || strchr(" \t:-|\"'>,;)]", line.at[i - 1])) && trace_copied_begins(slice_from(line, i)))
            return i;
    return line.size;
}

/* What may stand before lines of a bare trace as well: list marks, quotes, the letter of a component. */
static gboolean is_none(struct slice margin)
{
    struct slice rest = slice_trim(margin);
    gboolean only_marks = TRUE;

    for (size_t i = 0; i < rest.size && only_marks; i++)
        only_marks = !slice_is_word(rest.at[i]) && !memchr("|:>", rest.at[i], 3);
    if ((only_marks && !slice_ends(rest, BAR)) || (rest.size == 1 && g_ascii_isupper(rest.at[0])))
        return TRUE;
    return take_digits(&rest) && (slice_equals(rest, ".") || slice_equals(rest, ")"));
}

static void add_shape(struct margin *margin, char *text, size_t gap)
{
    for (unsigned i = 0; i < margin->n_shapes; i++) {
        if (strcmp(margin->shapes[i].text, text) == 0) {
            g_free(text);
            return;
        }
    }
    if (margin->n_shapes < MARGIN_SHAPES)
        margin->shapes[margin->n_shapes++] = (struct margin_shape){text, gap};
    else
        g_free(text);
}

/* grep has ":" behind name and number of a line that fits, and "-" behind those of a line beside one. */
static void add_other_mark(struct margin *margin, const char *shape, size_t gap)
{
    static const char *const ends[][2] = {{":#:", "-#-"}, {"#:", "#-"}, {":", "-"}};

    for (int way = 0; way < 2; way++) {
        for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
            const char *end = ends[i][way];
            if (!g_str_has_suffix(shape, end) || (i == 1 && strcmp(shape, end) != 0))
                continue;
            add_shape(margin, g_strdup_printf("%.*s%s", (int)(strlen(shape) - strlen(end)), shape, ends[i][!way]), gap);
            return;
        }
    }
}

struct vote {
    char *shape;
    size_t n, gap;
};

static void vote_clear(void *data)
{
    g_free(((struct vote *)data)->shape);
}

static int compare_votes(const void *a, const void *b)
{
    const struct vote *left = a, *right = b;
    if (left->n != right->n)
        return left->n > right->n ? -1 : 1;
    return strcmp(left->shape, right->shape);
}

static void add_vote(GArray *votes, struct slice margin)
{
    size_t gap = 0;

    while (gap < margin.size && slice_is_blank(margin.at[margin.size - 1 - gap]))
        gap++;
    struct vote one = {shape_of(margin), 1, gap};
    for (guint i = 0; i < votes->len; i++) {
        struct vote *vote = &g_array_index(votes, struct vote, i);
        if (strcmp(vote->shape, one.shape) == 0) {
            vote->n++;
            vote->gap = MIN(vote->gap, gap);
            vote_clear(&one);
            return;
        }
    }
    if (votes->len < MARGIN_VOTES)
        g_array_append_val(votes, one);
    else
        vote_clear(&one);
}

static void set_form(struct margin *margin, const char *shape)
{
    margin->quotes = strcmp(shape, ">") == 0;
    margin->bars = g_str_has_suffix(shape, "|") || g_str_has_suffix(shape, BAR);
}

/* Blanks before a thread's prefix that stand before all other lines as well; 0: none. */
static size_t indent_of(const struct slice *lines, size_t n)
{
    size_t least = MARGIN_BYTES, n_prefixed = 0;

    for (size_t i = 0; i < n; i++) {
        struct slice rest = lines[i], name;
        size_t blanks = 0;
        while (rest.size > 0 && rest.at[0] == ' ') {
            rest = slice_from(rest, 1);
            blanks++;
        }
        if (slice_trim(rest).size == 0)
            continue;
        least = MIN(least, blanks);
        n_prefixed += blanks == least && trace_prefix_take(&rest, &name);
    }
    return n_prefixed >= 2 ? least : 0;
}

gboolean margin_learn(struct margin *margin, const struct slice *lines, size_t n)
{
    g_autoptr(GArray) votes = g_array_new(FALSE, FALSE, sizeof(struct vote));
    size_t n_bare = 0, n_voted = 0;

    g_array_set_clear_func(votes, vote_clear);
    for (size_t i = 0; i < n; i++) {
        size_t anchor = find_anchor(lines[i]);
        if (anchor == lines[i].size)
            continue;
        if (is_none((struct slice){lines[i].at, anchor}))
            n_bare++;
        else
            add_vote(votes, (struct slice){lines[i].at, anchor});
    }
    margin->indent = votes->len == 0 ? indent_of(lines, n) : 0;
    if (votes->len == 0)
        return margin->indent > 0;
    g_array_sort(votes, compare_votes);
    set_form(margin, g_array_index(votes, struct vote, 0).shape);
    for (guint i = 0; i < votes->len; i++) {
        const struct vote *vote = &g_array_index(votes, struct vote, i);
        n_voted += vote->n >= 2 ? vote->n : 0;
    }
    if (n_voted < 2 || n_voted < n_bare)
        return FALSE;
    for (guint i = 0; i < votes->len; i++) {
        const struct vote *vote = &g_array_index(votes, struct vote, i);
        if (vote->n >= 2)
            add_shape(margin, g_strdup(vote->shape), vote->gap);
    }
    for (guint i = 0, n_shapes = margin->n_shapes; i < n_shapes; i++)
        add_other_mark(margin, margin->shapes[i].text, margin->shapes[i].gap);
    return TRUE;
}

/* ---- Taking off ---- */

void margin_init(struct margin *margin, source_take *take, void *data)
{
    *margin = (struct margin){.take = take, .take_data = data};
}

void margin_clear(struct margin *margin)
{
    for (unsigned i = 0; i < margin->n_shapes; i++)
        g_free(margin->shapes[i].text);
}

/* Of several that fit, the longest. */
static gboolean take_margin(const struct margin *margin, struct slice *line)
{
    struct slice best = *line;
    gboolean found = FALSE;

    for (unsigned i = 0; i < margin->n_shapes; i++) {
        struct slice rest = *line;
        if (!take_shape(&rest, margin->shapes[i].text) || (found && rest.size >= best.size))
            continue;
        for (size_t gap = margin->shapes[i].gap; gap > 0 && rest.size > 0 && slice_is_blank(rest.at[0]); gap--)
            rest = slice_from(rest, 1);
        best = rest;
        found = TRUE;
    }
    *line = best;
    return found;
}

gboolean margin_has(const void *data, struct slice line)
{
    return take_margin(data, &line);
}

static void strip_bar(struct slice *text)
{
    while (text->size > 0 && slice_is_blank(text->at[text->size - 1]))
        text->size--;
    if (slice_ends(*text, "|"))
        text->size--;
    else if (slice_ends(*text, BAR))
        text->size -= strlen(BAR);
}

/* Lines that only frame a list, and what grep writes between two groups. */
static gboolean is_frame(const struct margin *margin, struct slice text)
{
    text = slice_trim(text);
    if (slice_equals(text, "--"))
        return TRUE;
    for (size_t i = 0; i < text.size; i++)
        if (!memchr("-=_+|", text.at[i], 5) && (uint8_t)text.at[i] < 0x80)
            return FALSE;
    return margin->bars && text.size >= RULE_BYTES;
}

/* A line without its margin. */
static struct slice without_margin(const struct margin *margin, struct slice text)
{
    struct slice rest = text, name;

    if (take_margin(margin, &rest))
        return rest;
    if (is_frame(margin, text))
        return slice_from(text, text.size);
    size_t anchor = find_anchor(text); /* behind another margin, a thread's prefix is as good */
    rest = slice_from(text, anchor);
    return trace_prefix_take(&rest, &name) ? slice_from(text, anchor) : text;
}

void margin_take(struct margin *margin, const struct source_line *line)
{
    struct source_line one = *line;

    if (margin->n_shapes == 0 && margin->indent > 0) {
        for (size_t i = 0; i < margin->indent && one.text.size > 0 && one.text.at[0] == ' '; i++) {
            one.text = slice_from(one.text, 1);
            one.offset += one.exact;
        }
        margin->take(margin->take_data, &one);
        return;
    }
    if (margin->n_shapes == 0) {
        margin->take(margin->take_data, line);
        return;
    }
    struct slice rest = without_margin(margin, line->text);
    one.offset += one.exact ? (uint64_t)(rest.at - line->text.at) : 0;
    if (margin->bars)
        strip_bar(&rest);
    one.text = rest;
    margin->take(margin->take_data, &one);
}
