/*
 * What can be asked of an audit, and the limits of a question.
 */
#ifndef TRUSTGAP_WHATIF_QUESTION_H
#define TRUSTGAP_WHATIF_QUESTION_H

#include "references.h"

#include <glib.h>
#include <stdint.h>

#define WHATIF_CHAINS  64 /* files with chains of peers */
#define WHATIF_CHAIN   64 /* certificates of a chain */
#define WHATIF_CHANGES 64 /* assumed imports, and as many drops */
#define WHATIF_OBSERVED                                                                                                \
    1000 /* different chains of failures that are looked at for a drop; a note says if it is reached */

enum whatif_side {                /* which stores a peer of --chain is judged by */
                   WHATIF_CLIENT, /* those of clients, and those of which the file's name tells nothing; all if there
                                     are none */
                   WHATIF_SERVER,
                   WHATIF_ALL,
};

struct whatif_question {    /* arrays are NULL-ended, or NULL */
    const char *audit_name; /* how messages call the audit, and the target */
    const char *against_name;
    int64_t at;                          /* the time of which validity is asked */
    const char *const *chains;           /* files: a peer's chain each, leaf first (docs/formats/reference.md; "-") */
    const struct references *references; /* certificates that may be imported; or NULL */
    const char *const *passwords;        /* of files that are key stores */
    const char *const *drops;            /* certificates that are assumed to be in no list any more */
    const char *const *imports;          /* "CERT@PATTERN": assumed to be in the lists of these stores */
    const char *const *stores;           /* patterns: only these stores are asked about, on whatever side */
    enum whatif_side side;               /* without patterns */
    struct audit *against;               /* the target landscape, or NULL */
};

/*
 * A certificate is a fingerprint of one that the audit knows (SHA-256, SHA-1 or MD5 in hex, with or without colons), a
 * file with one certificate in it, or a name that fits only one of those that the audit knows: its subject or its CN,
 * else a part of the subject, whatever the case of its letters.  A pattern with * and ? fits a store by its label ("PRD
 * SAPSSLC.pse"); it may also be the whole name of the PSE file ("SAPSSLC.pse").
 */

#endif
