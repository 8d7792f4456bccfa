/*
 * Exit statuses of the program.  They are stable and documented in trustgap(1); never a count.
 */
#ifndef TRUSTGAP_STATUS_H
#define TRUSTGAP_STATUS_H

#include <sysexits.h>

enum status {
    STATUS_CLEAN = 0,              /* complete, and nothing at or above --fail-on */
    STATUS_FINDINGS = 1,           /* findings at or above --fail-on */
    STATUS_FAILED = 2,             /* failed; nothing usable was written */
    STATUS_HOSTS_MISSING = 4,      /* some hosts could not be collected (or'ed with STATUS_FINDINGS) */
    STATUS_USAGE = EX_USAGE,       /* 64: the command line is wrong */
    STATUS_DATA = EX_DATAERR,      /* 65: an input file is not in its form */
    STATUS_NO_INPUT = EX_NOINPUT,  /* 66: an input file is missing or may not be read */
    STATUS_INTERNAL = EX_SOFTWARE, /* 70: a library refused what it should not refuse */
};

#endif
