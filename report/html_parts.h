/*
 * Parts of the HTML that several of its chapters have.
 */
#ifndef TRUSTGAP_HTML_PARTS_H
#define TRUSTGAP_HTML_PARTS_H

#include "audit.h"
#include "markup.h"

#include <glib.h>

/* Rows that a table shows at once, before the rest is folded away. */
#define HTML_STORES_SHOWN   25
#define HTML_ROWS_SHOWN     200
#define HTML_NAMES_SHOWN    3
#define HTML_STEPS_SHOWN    8
#define HTML_FINDINGS_SHOWN 50

/**
 * html_badge_severity(markup, severity), html_badge_state(markup, state):
 * A word in a box, told apart without colours too.
 */
void html_badge_severity(struct markup *markup, enum audit_severity severity);
void html_badge_state(struct markup *markup, enum audit_state state);

/**
 * html_finding_id(markup, finding):
 * The anchor of a finding, on the element that was just begun: the same from audit to audit.
 */
void html_finding_id(struct markup *markup, const struct audit_finding *finding);

/**
 * html_fact(markup, label, class, format, ...):
 * One row of a <dl>.
 */
void html_fact(struct markup *markup, const char *label, const char *class, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/**
 * html_cert(markup, cert):
 * The rows of a <dl> that identify a certificate, as STRUST shows them.
 */
void html_cert(struct markup *markup, const struct audit_cert *cert);

/**
 * html_waivers(markup, finding):
 * Who lives with it until when, and which waivers have ended, a line each.
 */
void html_waivers(struct markup *markup, const struct audit_finding *finding);

/**
 * html_pem(markup, cert):
 * The certificate to copy, folded away; nothing if only a listing of it is known.
 */
void html_pem(struct markup *markup, const struct audit_cert *cert);

/**
 * html_stores(markup, stores):
 * Links to the stores (of struct audit_store *), many of them folded away.
 */
void html_stores(struct markup *markup, const GPtrArray *stores);

/**
 * html_steps(markup, steps):
 * What to do, as a numbered list; commands stand alone and can be copied.
 */
void html_steps(struct markup *markup, const GPtrArray *steps);

/**
 * html_gap_names(markup, gaps):
 * "PRD SAPSSLC.pse, QAS SAPSSLC.pse, SOL SAPSSLA.pse and 7 more", of struct audit_gap *.
 */
void html_gap_names(struct markup *markup, const GPtrArray *gaps);

/**
 * html_remedy(markup, finding):
 * The steps of all its stores, equal ones once, and its own.
 */
void html_remedy(struct markup *markup, const struct audit_finding *finding);

/**
 * html_evidence(markup, failures, id):
 * What traces tell of these failures (of struct audit_failure *), folded away.
 */
void html_evidence(struct markup *markup, const GPtrArray *failures);

/**
 * html_people(markup, hosts):
 * Tiers and owners of the hosts (a set of struct audit_host *), in one line.
 */
void html_people(struct markup *markup, const GPtrArray *hosts);

#endif
