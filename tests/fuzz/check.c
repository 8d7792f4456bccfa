/* What-if questions to any audit: never a crash, the same answer twice, and it can be written. */
#include "report.h"
#include "whatif.h"

#include <jansson.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static char *write_answer(const struct check *check, gboolean json)
{
    g_autofree char *path = NULL;
    char *text = NULL;
    int fd = g_file_open_tmp("trustgap-XXXXXX", &path, NULL);
    g_assert(fd >= 0);
    close(fd);
    struct file_output *output = file_output_open(path, 0600, NULL);
    g_assert(output);
    if (json)
        g_assert(report_check_json(output, check, NULL));
    else
        report_check_text(output, check);
    g_assert(file_output_commit(output, NULL));
    g_assert(g_file_get_contents(path, &text, NULL, NULL));
    unlink(path);
    g_assert(g_utf8_validate(text, -1, NULL));
    return text;
}

/* Everything that can be asked without files: an import and a drop of the first certificate, and the audit itself. */
static char *ask(const uint8_t *bytes, size_t size)
{
    g_autoptr(audit_auto) audit = report_parse_xml("audit.xml", bytes, size, NULL);
    g_autoptr(audit_auto) against = report_parse_xml("other.xml", bytes, size, NULL);
    g_autoptr(GError) error = NULL;

    if (!audit)
        return NULL;
    const struct audit_cert *first = audit->certs->len ? audit->certs->pdata[0] : NULL;
    const char *digest = first ? first->sha256 : NULL;
    g_autofree char *import = digest ? g_strconcat(digest, "@*", NULL) : NULL;
    const char *imports[] = {import, NULL}, *drops[] = {digest, NULL};
    const struct whatif_question question = {
        .audit_name = "audit.xml",
        .against_name = "other.xml",
        .at = 1795305600, /* 2026-11-22 */
        .imports = size % 2 ? imports : NULL,
        .drops = drops,
        .against = against,
    };
    g_autoptr(check_auto) check = whatif_ask(audit, &question, &error);
    g_assert((check == NULL) == (error != NULL));
    if (!check) {
        g_assert(g_utf8_validate(error->message, -1, NULL));
        return NULL;
    }
    free(write_answer(check, FALSE));
    return write_answer(check, TRUE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    g_autofree char *once = ask(bytes, size), *again = ask(bytes, size);

    g_assert(g_strcmp0(once, again) == 0);
    if (once) {
        json_t *json = json_loads(once, JSON_REJECT_DUPLICATES, NULL);
        g_assert(json);
        json_decref(json);
    }
    return 0;
}
