/*
 * The first chapter of the HTML: which certificate is missing where, and what to import.
 */
#ifndef TRUSTGAP_HTML_MISSING_H
#define TRUSTGAP_HTML_MISSING_H

#include "markup.h"
#include "overview.h"

void html_missing(struct markup *markup, const struct overview *overview);

#endif
