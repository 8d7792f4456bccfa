/*
 * The lines above a trace: a file's title and what stands below it, and the mark of a file that was begun anew.
 */
#ifndef TRUSTGAP_TRACE_HEADER_H
#define TRUSTGAP_TRACE_HEADER_H

#include "slice.h"

#include <glib.h>
#include <stdint.h>

struct header { /* of the last one; level and pid are -1, texts empty where there was none */
    int level;
    int64_t pid;
    GString *release, *sid, *sysno, *profile; /* not cleaned */
    unsigned lines;                           /* that may still be part of it */
};

void header_init(struct header *header);
void header_clear(struct header *header);

/**
 * header_take(header, line), header_take_truncated(header, line):
 * Whether ${line}, which has no thread's prefix, is part of a header; whether it says that the file was begun anew.
 * What it tells is then in ${header}.
 */
gboolean header_take(struct header *header, struct slice line);
gboolean header_take_truncated(struct header *header, struct slice line);

/**
 * header_is_rule(line):
 * Whether it is one of the rules round a title.
 */
gboolean header_is_rule(struct slice line);

#endif
