/*
 * Chapters of the HTML about what was looked at: systems with their trust stores, and hosts.
 */
#ifndef TRUSTGAP_HTML_LANDSCAPE_H
#define TRUSTGAP_HTML_LANDSCAPE_H

#include "markup.h"
#include "overview.h"

void html_systems(struct markup *markup, const struct overview *overview);

/**
 * html_absent(markup, overview), html_hosts(markup, overview):
 * The hosts that were not wholly collected and why; all of them, folded away.
 */
void html_absent(struct markup *markup, const struct overview *overview);
void html_hosts(struct markup *markup, const struct overview *overview);

#endif
