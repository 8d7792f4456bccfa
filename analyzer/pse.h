/*
 * The trust list inside a PSE file that a person keeps as a reference (such as SAP's BTP trust store): versions 2 and 4
 * without PIN, docs/formats/pse.md.  Private to the analyzer.  PSEs of hosts are read where they are, by the probe.
 *
 * The bytes are hostile, and a private key may stand in them: of the structure only tags, lengths, the version and the
 * identifiers are read, and of the objects only the values of the trust list.  Whatever is not exactly as described is
 * PSE_DAMAGED, and gives nothing.
 */
#ifndef TRUSTGAP_PSE_H
#define TRUSTGAP_PSE_H

#include <glib.h>

#define PSE_CERTS 20000 /* certificates of one list; a list with more is PSE_DAMAGED */

enum pse_form {
    PSE_NONE,    /* something else, or of a version that is not known */
    PSE_PLAIN,   /* read; no list in it is an empty list */
    PSE_PIN,     /* a PIN protects it */
    PSE_LPS,     /* it is bound to a machine */
    PSE_DAMAGED, /* it begins as a PSE and is none */
};

/**
 * pse_read(certs, bytes, size):
 * Append to ${certs} (of GBytes *, the caller's) each entry of the trust list, in order, as it stands there; none is
 * appended unless the answer is PSE_PLAIN.  Entries have the shape of a certificate; whether they are one is not
 * looked at.
 */
enum pse_form pse_read(GPtrArray *certs, const void *bytes, size_t size);

#endif
