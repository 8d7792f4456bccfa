/* Lines of a capture's journal: what was read can be written, and reads as the same again. */
#include "error.h"
#include "journal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void read_as_host(const uint8_t *bytes, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(capture_host_auto) host = journal_parse_host(bytes, size, &error);

    g_assert((host == NULL) == (error != NULL));
    if (!host) {
        g_assert(g_utf8_validate(error->message, -1, NULL));
        return;
    }
    /* Cleaning makes text longer, so what was read just below a limit may be above it now. */
    g_autofree char *first = journal_print_host(host, &error);
    g_assert(first || error->code == TRUSTGAP_ERROR_LIMIT);
    if (!first)
        return;
    g_assert(strchr(first, '\n') == first + strlen(first) - 1);
    g_autoptr(capture_host_auto) again = journal_parse_host(first, strlen(first) - 1, &error);
    g_assert_no_error(error);
    g_autofree char *second = journal_print_host(again, NULL);
    g_assert_cmpstr(first, ==, second);
}

static void read_as_header(const uint8_t *bytes, size_t size)
{
    struct capture_header header = {0}, again = {0};
    g_autoptr(GError) error = NULL;

    if (journal_parse_header(&header, bytes, size, &error)) {
        g_autofree char *line = journal_print_header(&header);
        g_assert(journal_parse_header(&again, line, strlen(line) - 1, NULL));
        g_assert_cmpstr(header.program, ==, again.program);
        g_assert_cmpint(header.started, ==, again.started);
    } else {
        g_assert(error);
    }
    journal_clear_header(&header);
    journal_clear_header(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    size_t whole = journal_whole_bytes(bytes, size);

    g_assert(whole <= size);
    g_assert(journal_whole_bytes(bytes, whole) <= whole);
    read_as_host(bytes, size);
    read_as_header(bytes, size);
    return 0;
}
