/*
 * The chapter of the HTML about all certificates that were seen: where each is trusted, and where it comes from.
 */
#ifndef TRUSTGAP_HTML_CERTIFICATES_H
#define TRUSTGAP_HTML_CERTIFICATES_H

#include "markup.h"
#include "overview.h"

void html_certificates(struct markup *markup, const struct overview *overview);

#endif
