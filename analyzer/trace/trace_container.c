#include "trace_container.h"

#include "trace_copied.h"
#include "trace_json.h"
#include "trace_margin.h"
#include "trace_prefix.h"
#include "trace_webpage.h"
#include "trace_wrap.h"

#define TORN_ABOVE 3 /* lines: with fewer, a last one without an end is worth looking at */

struct sample {
    GArray *lines; /* of struct slice */
    GStringChunk *strings;
};

/*
 * A line of the file goes through these, one after the other; what was not found in the sample lets it pass.  A page
 * may have been too narrow for the lines as they are in the file, or for those of the trace in it.
 */
struct container {
    struct wrap outer;
    struct jsontrace *json;
    struct webpage *webpage;
    struct margin margin;
    struct wrap inner;
    struct sample *collect; /* while learning: what comes out of a step goes here, and not into the next one */
};

/* ---- Lines of a sample ---- */

static void sample_init(struct sample *sample)
{
    sample->lines = g_array_new(FALSE, FALSE, sizeof(struct slice));
    sample->strings = g_string_chunk_new(4096);
}

static void sample_clear(struct sample *sample)
{
    g_array_unref(sample->lines);
    g_string_chunk_free(sample->strings);
}

static void sample_add(struct sample *sample, struct slice text)
{
    struct slice copy = {g_string_chunk_insert_len(sample->strings, text.at, (gssize)text.size), text.size};
    g_array_append_val(sample->lines, copy);
}

static const struct slice *sample_lines(const struct sample *sample)
{
    return (const struct slice *)(const void *)sample->lines->data;
}

/* The lines of a file's beginning; one that may be longer is left out, and most often one without an end. */
static void sample_split(struct sample *sample, struct slice bytes, gboolean whole)
{
    while (bytes.size > 0) {
        const char *feed = memchr(bytes.at, '\n', bytes.size);
        struct slice line = feed ? slice_of(bytes.at, feed) : bytes;
        if (!feed && (whole ? sample->lines->len > TORN_ABOVE : sample->lines->len > 0))
            return;
        if (slice_ends(line, "\r"))
            line.size--;
        g_array_append_val(sample->lines, line);
        bytes = slice_from(bytes, feed ? (size_t)(feed + 1 - bytes.at) : bytes.size);
    }
}

/* ---- From step to step ---- */

static void to_inner(void *data, const struct source_line *line)
{
    struct container *container = data;

    if (container->collect)
        sample_add(container->collect, line->text);
    else
        wrap_take(&container->inner, line);
}

static void to_margin(void *data, const struct source_line *line)
{
    struct container *container = data;

    if (container->collect)
        sample_add(container->collect, line->text);
    else
        margin_take(&container->margin, line);
}

static void take_content(struct container *container, const struct source_line *line)
{
    if (container->json)
        jsontrace_take(container->json, line);
    else if (container->webpage)
        webpage_take(container->webpage, line);
    else
        to_margin(container, line);
}

static void end_content(struct container *container)
{
    if (container->json)
        jsontrace_end(container->json);
    if (container->webpage)
        webpage_end(container->webpage);
}

static void to_content(void *data, const struct source_line *line)
{
    struct container *container = data;

    if (container->collect)
        sample_add(container->collect, line->text);
    else
        take_content(container, line);
}

/* ---- Learning ---- */

enum step { STEP_OUTER, STEP_CONTENT, STEP_MARGIN };

/* What a step makes of ${*sample}. */
static void learn_on(struct container *container, struct sample *sample, enum step step)
{
    struct sample next;

    sample_init(&next);
    container->collect = &next;
    for (guint i = 0; i < sample->lines->len; i++) {
        struct source_line line = {.text = sample_lines(sample)[i], .ended = TRUE};
        if (step == STEP_OUTER)
            wrap_take(&container->outer, &line);
        else if (step == STEP_CONTENT)
            take_content(container, &line);
        else
            margin_take(&container->margin, &line);
    }
    if (step == STEP_OUTER)
        wrap_end(&container->outer);
    else if (step == STEP_CONTENT)
        end_content(container);
    container->collect = NULL;
    sample_clear(sample);
    *sample = next;
}

static gboolean owns_json(G_GNUC_UNUSED const void *data, struct slice line)
{
    return jsontrace_begins(line);
}

/* Lines of a trace that stand in no JSON. */
static size_t count_bare(const struct sample *sample)
{
    size_t n = 0;

    for (guint i = 0; i < sample->lines->len; i++) {
        struct slice line = sample_lines(sample)[i], name, text = slice_trim(line);
        gboolean marked = text.size > 0 && memchr("{}\",", text.at[0], 4);
        n += trace_prefix_take(&line, &name) || (!marked && trace_copied_begins(text));
    }
    return n;
}

static gboolean learn_json(struct container *container, struct sample *sample)
{
    container->json = jsontrace_new(to_margin, container);
    size_t n = jsontrace_learn(container->json, sample_lines(sample), sample->lines->len);
    if (n > 0 && n >= count_bare(sample))
        return TRUE;
    g_clear_pointer(&container->json, jsontrace_free);
    return FALSE;
}

/* One step each: what stands round the lines as a whole. */
static void learn_content(struct container *container, struct sample *sample)
{
    if (sample->lines->len > 0 && jsontrace_begins(sample_lines(sample)[0]) &&
        wrap_learn(&container->outer, sample_lines(sample), sample->lines->len, owns_json, NULL) &&
        container->outer.way != WRAP_CLIPPED)
        learn_on(container, sample, STEP_OUTER);
    else
        container->outer.way = WRAP_NONE;
    if (!learn_json(container, sample) && webpage_learn(sample_lines(sample), sample->lines->len))
        container->webpage = webpage_new(to_margin, container);
    if (!container->json && !container->webpage)
        return;
    learn_on(container, sample, STEP_CONTENT);
    if (container->webpage) { /* it is in the middle of something */
        webpage_free(container->webpage);
        container->webpage = webpage_new(to_margin, container);
    }
}

/* Whether nearly all lines have a margin, also those that are only the rest of another. */
static gboolean has_all_margins(const struct container *container, const struct sample *sample)
{
    size_t n = 0, n_with = 0;

    for (guint i = 0; i < sample->lines->len; i++) {
        struct slice line = sample_lines(sample)[i];
        n += slice_trim(line).size > 0;
        n_with += margin_has(&container->margin, line);
    }
    return n_with * 20 >= n * 19;
}

static void learn_margin(struct container *container, struct sample *sample)
{
    if (!margin_learn(&container->margin, sample_lines(sample), sample->lines->len))
        return;
    if (container->outer.way == WRAP_NONE && !container->json && !container->webpage && !container->margin.bars &&
        container->margin.indent == 0 && !has_all_margins(container, sample) &&
        wrap_learn(&container->outer, sample_lines(sample), sample->lines->len, margin_has, &container->margin))
        learn_on(container, sample, STEP_OUTER);
    learn_on(container, sample, STEP_MARGIN);
}

struct container *container_find(struct slice bytes, gboolean whole, source_take *take, void *data)
{
    struct container *container = g_new0(struct container, 1);
    struct sample sample;

    wrap_init(&container->outer, to_content, container);
    margin_init(&container->margin, to_inner, container);
    wrap_init(&container->inner, take, data);
    sample_init(&sample);
    sample_split(&sample, bytes, whole);
    learn_content(container, &sample);
    learn_margin(container, &sample);
    if (container->outer.way == WRAP_NONE)
        wrap_learn(&container->inner, sample_lines(&sample), sample.lines->len, NULL, NULL);
    sample_clear(&sample);
    gboolean margin =
        (container->margin.n_shapes > 0 || (container->margin.indent > 0 && container->inner.way != WRAP_NONE)) &&
        !(container->margin.quotes && container->inner.way == WRAP_NONE); /* the reader knows quotations */
    if (container->outer.way == WRAP_NONE && !container->json && !container->webpage && !margin &&
        container->inner.way == WRAP_NONE)
        g_clear_pointer(&container, container_free);
    return container;
}

void container_free(struct container *container)
{
    if (!container)
        return;
    wrap_clear(&container->outer);
    jsontrace_free(container->json);
    webpage_free(container->webpage);
    margin_clear(&container->margin);
    wrap_clear(&container->inner);
    g_free(container);
}

/* ---- Lines ---- */

void container_take(struct container *container, const struct source_line *line)
{
    wrap_take(&container->outer, line);
}

void container_end(struct container *container)
{
    wrap_end(&container->outer);
    end_content(container);
    wrap_end(&container->inner);
}
