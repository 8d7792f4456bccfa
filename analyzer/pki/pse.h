/*
 * The trust list, or the own certificate, inside a PSE file that a person keeps as a reference (such as SAP's BTP trust
 * store) or as the chain of a peer: versions 2 and 4 without PIN, docs/formats/pse.md.  Private to the analyzer.  PSEs
 * of hosts are read where they are, by the probe.
 *
 * The bytes are hostile, and a private key may stand in them: of the structure only tags, lengths, the version and the
 * identifiers are read, and of the objects only the value of the part that is wanted.  Whatever is not exactly as
 * described is PSE_DAMAGED, and gives nothing.
 */
#ifndef TRUSTGAP_PSE_H
#define TRUSTGAP_PSE_H

#include <glib.h>

#define PSE_CERTS 20000 /* certificates of one list; a list with more is PSE_DAMAGED */

enum pse_form {
    PSE_NONE,    /* something else, or of a version that is not known */
    PSE_PLAIN,   /* read; no such part in it is an empty one */
    PSE_PIN,     /* a PIN protects it */
    PSE_LPS,     /* it is bound to a machine */
    PSE_DAMAGED, /* it begins as a PSE and is none */
};

enum pse_part {
    PSE_TRUSTED, /* the entries of the trust list (PKList), in order */
    PSE_OWN,     /* the own certificate (Cert) alone: which issuers a PSE sends with it is not known */
};

/**
 * pse_read(certs, bytes, size, part):
 * Append to ${certs} (of GBytes *, the caller's) the certificates of ${part}, as they stand there; none is appended
 * unless the answer is PSE_PLAIN.  Entries have the shape of a certificate; whether they are one is not looked at.
 */
enum pse_form pse_read(GPtrArray *certs, const void *bytes, size_t size, enum pse_part part);

#endif
