#include "remedy.h"

#include "aia.h"
#include "identify.h"
#include "sap.h"
#include "sap_peer.h"

#include <stdarg.h>
#include <string.h>

#define REMEDY_ACCESS                                                                                                  \
    "Let the login read traces and PSEs: set ansible_become=true for the host and allow \"sudo -n -u <sid>adm "        \
    "/bin/sh\" "                                                                                                       \
    "in sudoers without a password, or give a group of the login read permission."

static void add(struct audit *audit, GPtrArray *steps, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void add(struct audit *audit, GPtrArray *steps, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(steps, (void *)audit_text(audit, text));
}

/* A word of a command line; plain ones stay readable. */
static char *word(const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/:+,@%=-";
    if (*text && *text != '-' && strspn(text, plain) == strlen(text))
        return g_strdup(text);
    /* csh looks at an exclamation mark even inside of single quotes. */
    g_autofree char *quoted = g_shell_quote(text);
    g_auto(GStrv) parts = g_strsplit(quoted, "!", -1);
    return g_strjoinv("'\\!'", parts);
}

char *remedy_instance(const struct audit_instance *instance)
{
    const char *host = instance->host ? instance->host->name : NULL;
    return g_strdup_printf("%s%s%s%s%s", instance->name ? instance->name : instance->path, instance->sid ? " of " : "",
                           instance->sid ? instance->sid : "", host ? " on " : "", host ? host : "");
}

static char *member_name(const struct audit_member *member)
{
    return remedy_instance(member->instance);
}

static const char *short_name(struct audit *audit, const char *name)
{
    if (!name)
        return "the certificate";
    g_autofree char *text = identify_short(name);
    return audit_text(audit, text);
}

/* "SSL client (Standard)" (SAPSSLC.pse) */
static char *node_name(const struct audit_store *store)
{
    return store->role ? g_strdup_printf("\"%s\" (%s)", store->role, store->file) : g_strdup(store->file);
}

/* Whether STRUST distributes it: its label is then that of a system and not that of a host. */
static gboolean is_of_strust(const struct audit_store *store)
{
    size_t size = store->sid ? strlen(store->sid) : 0;
    return store->kind == INSTANCE_ABAP && size > 0 && strncmp(store->label, store->sid, size) == 0 &&
           store->label[size] == ' ' && strcmp(store->label + size + 1, store->file) == 0;
}

/* Who is asked about a peer: the host that was called, else its address. */
static const char *peer_of(const GPtrArray *failures)
{
    const char *peer = NULL;
    for (guint i = 0; i < failures->len; i++) {
        const struct audit_failure *failure = failures->pdata[i];
        if (failure->target)
            return failure->target;
        if (!peer)
            peer = failure->peer;
    }
    return peer;
}

/* What the peer sends, shown by OpenSSL; only where the trace names it in plain characters. */
static void add_show_chain(struct audit *audit, GPtrArray *steps, const GPtrArray *failures)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
    for (guint i = 0; i < failures->len; i++) {
        const struct audit_failure *failure = failures->pdata[i];
        const char *colon = failure->peer ? strrchr(failure->peer, ':') : NULL;
        if (failure->role == ROLE_SERVER || !failure->target || !colon || *failure->target == '-' ||
            strspn(failure->target, plain) != strlen(failure->target) || strspn(colon + 1, "0123456789") == 0 ||
            strspn(colon + 1, "0123456789") != strlen(colon + 1))
            continue;
        add(audit, steps, "See which chain the peer sends (behind a proxy this looks different):");
        add(audit, steps, "$ openssl s_client -connect %s:%s -servername %s -showcerts </dev/null", failure->target,
            colon + 1, failure->target);
        return;
    }
}

/* Trace levels. */

static int level_of(const struct audit_instance *instance)
{
    int level = -1;
    for (guint i = 0; i < instance->traces->len; i++)
        level = MAX(level, ((const struct audit_trace *)instance->traces->pdata[i])->level);
    return level;
}

static const char *where_to_set_level(const struct audit_instance *instance)
{
    return instance && instance->kind == INSTANCE_WEBDISP ? "the admin page of the Web Dispatcher"
                                                          : "SMICM > Goto > Trace Level > Set";
}

static void add_level(struct audit *audit, GPtrArray *steps, const struct audit_instance *instance)
{
    int level = instance ? level_of(instance) : -1;
    if (level > 1)
        add(audit, steps, "Set the trace level, which is %d, back to 1: %s.", level, where_to_set_level(instance));
    else
        add(audit, steps, "If the trace level was raised for this, set it back to 1: %s.",
            where_to_set_level(instance));
}

/* How to get the certificate. */

static const struct audit_store *exporting_donor(const struct audit_finding *finding)
{
    for (guint i = 0; i < finding->donors->len; i++) {
        const struct audit_store *donor = finding->donors->pdata[i];
        if (is_of_strust(donor))
            return donor;
    }
    return NULL;
}

/* Notes about the certificates of the peers that failed: sap_peer.h. */
static void add_notes(struct audit *audit, const struct audit_gap *gap)
{
    g_autoptr(GHashTable) said = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < gap->failures->len; i++) {
        const struct audit_failure *failure = gap->failures->pdata[i];
        const struct sap_peer *peer;
        for (size_t index = 0; failure->target && (peer = sap_peer_next(failure->target, &index));)
            if (g_hash_table_add(said, (void *)peer->note))
                add(audit, gap->steps, "See also %s (%s), which speaks of the certificates of this peer.", peer->note,
                    peer->about);
    }
}

/* The first peer of the gap that asks for both client PSEs. */
static const struct sap_peer *peer_of_both(const struct audit_gap *gap)
{
    for (guint i = 0; i < gap->failures->len; i++) {
        const struct audit_failure *failure = gap->failures->pdata[i];
        const struct sap_peer *peer =
            failure->target && failure->role != ROLE_SERVER ? sap_peer_both(failure->target) : NULL;
        if (peer)
            return peer;
    }
    return NULL;
}

/* Whether every member of the store holds the certificate. */
static gboolean all_hold(const struct audit_store *store, const struct audit_cert *cert)
{
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        if (!member->list || !audit_list_has(member->list, cert))
            return FALSE;
    }
    return store->members->len > 0;
}

/* SAP's own services are called with either client identity, so the certificate belongs into both lists. */
static void add_both(struct audit *audit, const struct audit_finding *finding, const struct audit_gap *gap,
                     const struct audit_store *sibling)
{
    const struct sap_peer *peer = peer_of_both(gap);
    const char *other = "the other one";

    if (!peer)
        return;
    if (gap->store)
        other = sap_pse_sibling(gap->store->file);
    if (!other)
        other = "each of the two";
    add(audit, gap->steps,
        "For SAP's own services (SM59: SAP-SUPPORT_PORTAL, SAP-SUPPORT_PARCELBOX, SAP-SUPPORT_NOTE_DOWNLOAD) import it "
        "twice: into SSL client (Standard), SAPSSLC.pse, and into SSL client (Anonymous), SAPSSLA.pse (%s).",
        peer->note);
    if (!sibling)
        add(audit, gap->steps, "Of %s nothing was read: look in STRUST whether its list has the certificate.", other);
    else if (!finding->cert)
        add(audit, gap->steps, "%s: which certificate is missing is not known, so its list could not be compared.",
            sibling->label);
    else if (all_hold(sibling, finding->cert))
        add(audit, gap->steps, "%s has it already.", sibling->label);
    else if (audit_store_holds(sibling, finding->cert))
        add(audit, gap->steps, "%s has it on some instances only: distribute that PSE, or add it there.",
            sibling->label);
    else if (audit_store_lacks(sibling, finding->cert))
        add(audit, gap->steps, "%s lacks it: add it there too.", sibling->label);
    else
        add(audit, gap->steps,
            "The list of %s could not be read: look there, and add the certificate if it is missing.", sibling->label);
}

/* Where a certificate that nobody holds is to be had, as far as somebody has said so. */
static void add_sources(struct audit *audit, const struct audit_gap *gap, const struct audit_cert *below)
{
    g_autofree char *issuer = below ? aia_issuer(below) : NULL, *repository = below ? aia_repository(below) : NULL;

    if (issuer)
        add(audit, gap->steps, "The certificate below it in the peer's chain says that it is to be had here (AIA): %s",
            issuer);
    if (repository)
        add(audit, gap->steps, "The same certificate names the documents of its CA: %s", repository);
    add_notes(audit, gap);
}

static unsigned count_held(const struct audit_finding *finding, const struct audit_gap *gap)
{
    unsigned held = 0;
    for (guint i = 0; gap->store && i < finding->candidates->len; i++)
        held += audit_store_holds(gap->store, finding->candidates->pdata[i]);
    return held;
}

static void add_unknown_cert(struct audit *audit, const struct audit_finding *finding, const struct audit_gap *gap,
                             const struct audit_cert *below)
{
    const char *peer = peer_of(gap->failures);
    GPtrArray *steps = gap->steps;

    if (finding->candidates->len > 0) {
        unsigned held = count_held(finding, gap);
        if (finding->candidates->len == 1)
            add(audit, steps,
                "Find out whether the peer's chain ends in the candidate of this finding, by its fingerprint. If it "
                "does, take it as CERT.pem.");
        else
            add(audit, steps,
                "Find out which of the %u candidates of this finding the peer's chain ends in, by its fingerprint. "
                "Take that one as CERT.pem; do not import all of them.",
                finding->candidates->len);
        if (held > 0)
            add(audit, steps, "%s holds %u of them already, and connections failed all the same or nobody knows yet.",
                gap->store->label, held);
        add_show_chain(audit, steps, gap->failures);
        return;
    }
    if (finding->certainty == CERTAINTY_SELF_SIGNED)
        add(audit, steps,
            "Nothing that was collected holds this self-signed certificate. Ask whoever runs %s for it as CERT.pem, or "
            "for a certificate of a CA in its place.",
            peer ? peer : "the peer");
    else
        add(audit, steps,
            "Nothing that was collected holds a certificate of this name. Ask whoever runs %s, or the CA \"%s\", for "
            "it "
            "as CERT.pem.",
            peer ? peer : "the peer", short_name(audit, finding->subject));
    add_sources(audit, gap, below);
    add(audit, steps,
        "Have its SHA-256 fingerprint confirmed by another way than the one that it came by. What the peer sends over "
        "the network proves nothing about the peer.");
    add_show_chain(audit, steps, gap->failures);
}

static void add_get(struct audit *audit, const struct audit_finding *finding, const struct audit_gap *gap,
                    const struct audit_cert *below)
{
    const struct audit_cert *cert = finding->cert;
    GPtrArray *steps = gap->steps;

    if (!cert) {
        add_unknown_cert(audit, finding, gap, below);
        return;
    }
    if (cert->from_trace) {
        const char *peer = peer_of(gap->failures);
        add(audit, steps,
            "The peer sent \"%s\", which proves nothing about the peer. Have its SHA-256 fingerprint confirmed by "
            "another "
            "way than the network, by whoever runs %s or by the CA.",
            short_name(audit, cert->subject), peer ? peer : "the peer");
        add(audit, steps, "If it is the same, save the PEM from this report as CERT.pem.");
    } else if (cert->der) {
        if (cert->bundle)
            add(audit, steps,
                "Save the PEM of \"%s\" from this report as CERT.pem and compare its fingerprint. It is public, from "
                "this "
                "system's bundle (%s).",
                short_name(audit, cert->subject), cert->bundle);
        else
            add(audit, steps, "Save the PEM of \"%s\" from this report as CERT.pem and compare its fingerprint.",
                short_name(audit, cert->subject));
    } else {
        const struct audit_store *donor = exporting_donor(finding);
        if (donor) {
            g_autofree char *node = node_name(donor);
            add(audit, steps,
                "Only a listing of \"%s\" is known. System %s has the certificate: STRUST, node %s, double-click the "
                "entry, export it (Base64) as CERT.pem, and compare its fingerprint.",
                short_name(audit, cert->subject), donor->sid, node);
        } else {
            add(audit, steps,
                "Only a listing of \"%s\" is known, and sapgenpse cannot export an entry of a trust list. Get the "
                "certificate from its CA or its owner as CERT.pem, and compare its fingerprint.",
                short_name(audit, cert->subject));
        }
    }
    add(audit, steps, "$ openssl x509 -in CERT.pem -noout -subject -fingerprint -sha256");
    if (below) {
        add(audit, steps,
            "A peer changes its intermediate more often than its root, so sooner or later the one above is needed: "
            "\"%s\", which nobody holds.",
            short_name(audit, finding->subject));
        add_sources(audit, gap, below);
    }
}

/* Import and what comes after it, by kind of instance. */

static char *secudir_of(const struct audit_member *member)
{
    const char *slash = strrchr(member->path, '/');
    return slash && slash > member->path ? g_strndup(member->path, (gsize)(slash - member->path)) : g_strdup("/");
}

/* "$ env SECUDIR=... sapgenpse maintain_pk WHAT -p SAPSSLC.pse".  env, since the shell of <sid>adm is often csh. */
static void add_sapgenpse(struct audit *audit, GPtrArray *steps, const struct audit_store *store,
                          const struct audit_member *member, const char *what)
{
    g_autofree char *folder = secudir_of(member), *secudir = word(folder), *file = word(store->file);
    if (store->kind == INSTANCE_HOSTAGENT)
        add(audit, steps,
            "$ env SECUDIR=%s LD_LIBRARY_PATH=/usr/sap/hostctrl/exe /usr/sap/hostctrl/exe/sapgenpse maintain_pk %s -p "
            "%s",
            secudir, what, file);
    else
        add(audit, steps, "$ env SECUDIR=%s sapgenpse maintain_pk %s -p %s", secudir, what, file);
}

static void add_login(struct audit *audit, GPtrArray *steps, const struct audit_member *member, const char *why)
{
    const char *host = member->instance->host->name;
    if (member->owner)
        add(audit, steps, "%s: on %s as the user %s, who owns the file:", why, host, member->owner);
    else
        add(audit, steps, "%s: on %s as the owner of the file:", why, host);
}

static char *member_names(const struct audit_store *store)
{
    GString *names = g_string_new(NULL);
    guint shown = MIN(store->members->len, 8);
    for (guint i = 0; i < shown; i++) {
        g_autofree char *name = member_name(store->members->pdata[i]);
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", name);
    }
    if (store->members->len > shown)
        g_string_append_printf(names, " and %u more", store->members->len - shown);
    return g_string_free(names, FALSE);
}

/* The release of the kernel, "785", as its trace tells it; 0: not known. */
static unsigned release_of(const struct audit_store *store, const char **text)
{
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        const struct audit_instance *instance = member->instance;
        for (guint j = 0; j < instance->traces->len; j++) {
            const struct audit_trace *trace = instance->traces->pdata[j];
            guint64 number;
            if (trace->release && g_ascii_string_to_unsigned(trace->release, 10, 100, 999, &number, NULL)) {
                *text = trace->release;
                return (unsigned)number;
            }
        }
    }
    return 0;
}

static void add_abap_after(struct audit *audit, GPtrArray *steps, const struct audit_store *store)
{
    const char *text = NULL;
    unsigned release = release_of(store, &text);
    /* A kernel 7.20 to 7.22 also runs below 7.02, so it decides nothing. */
    if (release >= 740)
        add(audit, steps, "The ICM learns of it from STRUST; it needs no restart (kernel release %s).", text);
    else if (release > 0 && release <= 701)
        add(audit, steps,
            "Up to release 7.01 the ICM has to be restarted (kernel release %s): SMICM > Administration > ICM > Exit "
            "Soft > Global.",
            text);
    else
        add(audit, steps,
            "From release 7.02 on the ICM learns of it from STRUST; up to 7.01 restart it: SMICM > Administration > "
            "ICM "
            "> Exit Soft > Global.");
}

static gboolean holds_somewhere(const struct audit_finding *finding, const struct audit_store *store)
{
    return finding->cert && audit_store_holds(store, finding->cert);
}

static void add_import_abap(struct audit *audit, const struct audit_finding *finding, struct audit_gap *gap,
                            const struct audit_store *sibling)
{
    const struct audit_store *store = gap->store;
    g_autofree char *node = node_name(store), *names = member_names(store);

    if (holds_somewhere(finding, store)) {
        add(audit, gap->steps,
            "Some instances of %s have it already. In STRUST of %s choose the node %s, look whether the list shows the "
            "certificate (add CERT.pem if not), save, and distribute the PSE.",
            store->sid, store->sid, node);
    } else {
        add(audit, gap->steps,
            "In system %s: transaction STRUST, node %s, change mode; read CERT.pem into the certificate box (Base64), "
            "Add "
            "to Certificate List, Save. Once for the system: STRUST writes the PSE to every instance, and overwrites "
            "what sapgenpse has added to a file.",
            store->sid, node);
    }
    if (sibling)
        add(audit, gap->steps,
            "\"%s\" (%s) of %s lacks it as well. Add it there too if a destination with that identity calls this peer.",
            sibling->role, sibling->file, store->sid);
    if (store->members->len > 1)
        add(audit, gap->steps, "Check that every instance has got it (%s); if not, distribute the PSE in STRUST.",
            names);
    add_abap_after(audit, gap->steps, store);
}

static void add_file_after(struct audit *audit, GPtrArray *steps, const struct audit_store *store)
{
    switch (store->kind) {
    case INSTANCE_WEBDISP:
        add(audit, steps,
            "A change of the file tells nobody: reload the PSE in the admin page of the Web Dispatcher, or restart it "
            "(SAP "
            "Note 2009483). If connections still fail after the reload, restart.");
        break;
    case INSTANCE_HANA:
        add(audit, steps,
            "Each host of the HANA system has its own file: do the same on every one. From HANA 2.0 SPS 07 on no "
            "restart is "
            "needed; before, restart the service (not sure for every revision). PSEs that HANA keeps inside of the "
            "database are not seen by this audit.");
        break;
    case INSTANCE_HOSTAGENT:
        add(audit, steps, "Then restart the host agent, as root (not sure that it is needed, it does no harm):");
        add(audit, steps, "$ /usr/sap/hostctrl/exe/saphostexec -restart");
        break;
    default:
        if (strcmp(store->file, "local.pse") == 0)
            add(audit, steps,
                "Restart the SAProuter to be safe; whether it reads the file again by itself is not known.");
        else
            add(audit, steps, "A change of the file tells nobody: restart the program that uses it.");
    }
}

static void add_import_file(struct audit *audit, struct audit_gap *gap, const struct audit_store *sibling)
{
    const struct audit_store *store = gap->store;
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        add_login(audit, gap->steps, member, "Add it (sapgenpse asks for the PIN if there is one)");
        add_sapgenpse(audit, gap->steps, store, member, "-a CERT.pem");
        if (sibling)
            add(audit, gap->steps, "%s lacks it as well. Add it there too if connections of that kind call this peer.",
                sibling->label);
    }
    add_file_after(audit, gap->steps, store);
}

/* The view of the key storage that stands behind a PSE of a Java instance. */
static char *java_view(const char *file)
{
    if (strcmp(file, "SAPSSLC.pse") == 0)
        return g_strdup("CLIENT_ICM_SSL_<instance>");
    if (strcmp(file, "SAPSSLS.pse") == 0)
        return g_strdup("ICM_SSL_<instance>");
    if (g_str_has_prefix(file, "SAPSSLS_") && g_str_has_suffix(file, ".pse")) {
        size_t size = strlen(file) - strlen("SAPSSLS_") - strlen(".pse");
        return g_strdup_printf("ICM_SSL_<instance>_%.*s", (int)size, file + strlen("SAPSSLS_"));
    }
    return g_strdup_printf("that %s is exported from", file);
}

static void add_import_java(struct audit *audit, struct audit_gap *gap)
{
    g_autofree char *view = java_view(gap->store->file);
    add(audit, gap->steps,
        "In NetWeaver Administrator of %s: Certificates and Keys, view %s: import CERT.pem, then export the view to "
        "the "
        "PSE. The view is the original; what is added to the file alone is overwritten.",
        gap->store->sid ? gap->store->sid : "the system", view);
    add(audit, gap->steps, "Restart the ICM of the instance.");
}

static void add_undo(struct audit *audit, const struct audit_gap *gap)
{
    const struct audit_store *store = gap->store;
    if (is_of_strust(store)) {
        add(audit, gap->steps, "To undo: the same node of STRUST, select the entry, delete it from the list, Save.");
        return;
    }
    if (store->kind == INSTANCE_JAVA) {
        add(audit, gap->steps, "To undo: delete the entry from the view, export the view again, restart the ICM.");
        return;
    }
    add(audit, gap->steps, "To undo: find the number of the entry in the list, and delete that number:");
    add_sapgenpse(audit, gap->steps, store, store->members->pdata[0], "-l");
    add_sapgenpse(audit, gap->steps, store, store->members->pdata[0], "-d NUMBER");
}

static void add_look_first(struct audit *audit, struct audit_gap *gap)
{
    const struct audit_store *store = gap->store;
    if (is_of_strust(store) || store->kind == INSTANCE_JAVA) {
        add(audit, gap->steps, "The list of %s could not be read: look first whether the certificate is in it already.",
            store->label);
        return;
    }
    add(audit, gap->steps,
        "The list of %s could not be read: look first whether the certificate is in it already, as the owner of the "
        "file:",
        store->label);
    add_sapgenpse(audit, gap->steps, store, store->members->pdata[0], "-l");
}

static void add_find_store(struct audit *audit, struct audit_gap *gap)
{
    const struct audit_instance *instance = gap->instance;
    const struct audit_failure *failure = gap->failures->len > 0 ? gap->failures->pdata[0] : NULL;
    g_autofree char *name = instance ? remedy_instance(instance) : g_strdup("the instance");

    if (failure && failure->store_path)
        add(audit, gap->steps, "The trace of %s names the PSE %s, which was not found there: see what became of it.",
            name, failure->store_path);
    else if (failure && failure->role == ROLE_SERVER)
        add(audit, gap->steps,
            "The trace of %s does not name the PSE. For incoming connections it is an SSL server PSE: SAPSSLS.pse, or "
            "the "
            "one of the port's icm/ssl_config.",
            name);
    else
        add(audit, gap->steps,
            "The trace of %s does not name the PSE. The destination decides (SM59, Logon & Security, SSL certificate): "
            "DFAULT is \"SSL client (Standard)\" (SAPSSLC.pse), ANONYM is \"SSL client (Anonymous)\" (SAPSSLA.pse).",
            name);
    if (instance && instance->kind == INSTANCE_ABAP && instance->sid)
        add(audit, gap->steps,
            "In system %s: transaction STRUST, the node of that PSE, change mode; read CERT.pem into the certificate "
            "box "
            "(Base64), Add to Certificate List, Save.",
            instance->sid);
    else
        add(audit, gap->steps, "Add CERT.pem to the list of that PSE.");
}

void remedy_gap(struct audit *audit, const struct audit_finding *finding, struct audit_gap *gap,
                const struct audit_store *sibling, const struct audit_cert *below)
{
    const struct audit_store *store = gap->store;
    const struct audit_member *member = store && store->members->len > 0 ? store->members->pdata[0] : NULL;
    gboolean both = peer_of_both(gap) != NULL;
    const struct audit_store *lacking =
        !both && sibling && finding->cert && audit_store_lacks(sibling, finding->cert) ? sibling : NULL;

    if (gap->state == STATE_FIXED)
        return;
    if (gap->basis == BASIS_SEEN_UNREAD && member)
        add_look_first(audit, gap);
    add_get(audit, finding, gap, below);
    if (!member)
        add_find_store(audit, gap);
    else if (is_of_strust(store))
        add_import_abap(audit, finding, gap, lacking);
    else if (store->kind == INSTANCE_JAVA)
        add_import_java(audit, gap);
    else
        add_import_file(audit, gap, lacking);
    add_both(audit, finding, gap, sibling);
    if (gap->basis != BASIS_REQUIRED)
        add_level(audit, gap->steps, member ? member->instance : gap->instance);
    add(audit, gap->steps, "The next audit proves it: it reads the list again and calls this gap fixed.");
    if (member)
        add_undo(audit, gap);
}

void remedy_covered(struct audit *audit, struct audit_gap *gap, const struct audit_finding *by)
{
    gap->covered_by = by->id;
    g_ptr_array_set_size(gap->steps, 0);
    add(audit, gap->steps,
        "Nothing is to be imported for this alone: \"%s\", which the same trust store lacks (finding %s), heals it "
        "too. "
        "OpenSSL builds a path to it from what is at hand of what the peer sends.",
        short_name(audit, by->cert->subject), by->id);
}

/* Findings without gaps. */

static void steps_of_untrusted(struct audit *audit, struct audit_finding *finding)
{
    const struct audit_failure *failure = finding->failures->pdata[0];
    const struct audit_instance *instance = failure->instance;
    if (failure->chain->len > 0) {
        add(audit, finding->steps,
            "The chain is in the trace: see in the quoted lines which check of which certificate failed. Where it is "
            "BasicConstraints or KeyUsage of a signer no import heals it; whoever runs the peer has to send another "
            "chain.");
        return;
    }
    int level = level_of(instance);
    if (level > 1)
        add(audit, finding->steps, "The trace level is %d already; what failed before it was raised shows no chain.",
            level);
    else
        add(audit, finding->steps, "Raise the trace level to 2: %s.", where_to_set_level(instance));
    add(audit, finding->steps, "Call the peer once (a connection test of the destination in SM59 is enough).");
    add(audit, finding->steps,
        "Set the trace level back to 1 at once; level 2 writes much and may hold what is private.");
    add(audit, finding->steps, "Collect and analyze again: the chain that the peer sent is then in the trace.");
    add_show_chain(audit, finding->steps, finding->failures);
}

static void steps_of_failure(struct audit *audit, struct audit_finding *finding, const struct audit_failure *failure)
{
    GPtrArray *steps = finding->steps;
    const char *peer = peer_of(finding->failures);
    if (!peer)
        peer = "the peer";

    switch (failure->cause) {
    case CAUSE_UNTRUSTED_PEER:
        steps_of_untrusted(audit, finding);
        return;
    case CAUSE_EXPIRED_PEER:
        add(audit, steps, "Ask whoever runs %s to renew its certificate; nothing in a trust list heals this.", peer);
        add(audit, steps, "If the peer's certificate is in date, look at the clock of this host.");
        add_show_chain(audit, steps, finding->failures);
        return;
    case CAUSE_NAME_MISMATCH:
        add(audit, steps,
            "Call the peer by a name that its certificate has, or ask whoever runs %s to put the name into it.", peer);
        add_show_chain(audit, steps, finding->failures);
        return;
    case CAUSE_PEER_REFUSED:
        if (failure->alert > 0 && failure->advice) { /* of which it depends whose it is to change */
            add(audit, steps, "%s", failure->advice);
            return;
        }
        add(audit, steps,
            "The peer does not accept our certificate; no trust list here lacks anything. See which PSE was used, "
            "whether "
            "its own certificate is in date, and whether %s trusts its CA.",
            peer);
        return;
    case CAUSE_STORE_UNUSABLE:
        add(audit, steps,
            "See whether the PSE exists, has its own certificate, and whether the user of the instance has a "
            "credential for "
            "its PIN; in an ABAP system STRUST shows it and can distribute it again.");
        return;
    case CAUSE_PROXY_REFUSED:
        add(audit, steps, "Look at the proxy's answer: its log-in in the destination, and its rules for %s.", peer);
        return;
    case CAUSE_REVERSE_PROXY:
        add(audit, steps,
            "The client certificate that a reverse proxy forwarded was rejected: see icm/trusted_reverse_proxy in the "
            "profile, and whether the proxy itself connects with the certificate that is named there.");
        return;
    case CAUSE_NOT_TLS:
        add(audit, steps,
            "See whether host and port of %s are those of a TLS service, and whether a proxy stands between.", peer);
        return;
    case CAUSE_CLOSED:
        add(audit, steps,
            "The connection was closed during the handshake, which says nothing of trust: look at firewalls and at the "
            "log "
            "of %s at that time.",
            peer);
        return;
    case CAUSE_HANDSHAKE:
        add(audit, steps,
            "The two sides share no protocol or cipher, or the peer wants something that was not sent: compare "
            "ssl/client_ciphersuites (ssl/ciphersuites for incoming connections) with what %s offers.",
            peer);
        return;
    default:
        add(audit, steps, "Read the quoted lines; SAP Notes are found by the error's name.");
    }
}

/* Whether ${reason} begins with ${word}, as a word. */
static gboolean is_for(const char *reason, const char *word)
{
    size_t size = strlen(word);
    return strncmp(reason, word, size) == 0 && strchr(" :", reason[size]); /* or ends there */
}

static void steps_of_unreadable(struct audit *audit, struct audit_finding *finding, const struct audit_store *store)
{
    static const char pin[] = "The PSE has a PIN, or LPS protects it. With a credential for the owner (seclogin) and "
                              "ansible_become, sapgenpse can list it; the PIN itself is never needed here.";
    static const struct {
        const char *word, *step;
        gboolean ask; /* sapgenpse by hand helps */
    } rows[] = {
        {"not-allowed", REMEDY_ACCESS, FALSE},
        {"needs-pin", pin, FALSE},
        {"PIN needed", pin, FALSE},
        {"damaged",
         "The PSE file is damaged. Keep a copy of it, then restore it from a backup or distribute the PSE again from "
         "STRUST.",
         FALSE},
        {"no-pse", "The file has the name of a PSE but is none. If nothing uses it, remove it.", FALSE},
        {"unknown-version", "trustgap doesn't know this version of a PSE. Please report it.", FALSE},
        {"changed", "The file was being written while it was read. The next audit reads it again.", FALSE},
        {"too-large", "The file is larger than any PSE should be. See what it is.", FALSE},
        {"too-many-objects", "The file has more objects than any PSE should have. See what it is.", FALSE},
        {"private-key",
         "What the host sent as this list contained a private key, so it was thrown away. Find out what the file is "
         "and "
         "who put it there.",
         FALSE},
        {"disk-budget",
         "There was no room for it on the collecting machine. Free space there, or raise --disk-budget, and collect "
         "the "
         "host again.",
         FALSE},
        {"link", "The file is a link that leads out of its instance. Put the PSE itself in its place.", FALSE},
        {"wrong-owner",
         "The file belongs to a user other than the owner of its instance. Find out who put it there, then correct its "
         "owner.",
         FALSE},
        {"no-tool", "The host lacks the tool that the reason names, or the tool doesn't work. Install it.", FALSE},
        {"time-out",
         "Reading the file took too long. Check whether sapgenpse hangs when the owner of the file runs this:", TRUE},
        {"sapgenpse could not be run",
         "sapgenpse doesn't start. Install the library that it names in the kernel folder, or fix LD_LIBRARY_PATH "
         "(LIBPATH on AIX), then run this as the owner of the file:",
         TRUE},
        {"sapgenpse-failed", "sapgenpse gave no list. Run this as the owner of the file and see what it says:", TRUE},
        {"sapgenpse",
         "sapgenpse gave no list. Fix what it says, and check by running this as the owner of the file:", TRUE},
        {"no list shown", "sapgenpse gave no list. Run this as the owner of the file and see what it says:", TRUE},
        {"this is no listing",
         "Something other than SAP's sapgenpse answered. Run this as the owner of the file:", TRUE},
    };
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        for (size_t j = 0; member->reason && j < G_N_ELEMENTS(rows); j++) {
            if (!is_for(member->reason, rows[j].word))
                continue;
            if (!g_ptr_array_find_with_equal_func(finding->steps, rows[j].step, g_str_equal, NULL))
                add(audit, finding->steps, "%s", rows[j].step);
            if (rows[j].ask)
                add_sapgenpse(audit, finding->steps, store, member, "-l");
            break;
        }
    }
    if (finding->steps->len == 0)
        add(audit, finding->steps, "Look at the list by hand, and collect the host again.");
}

/* How a host gets collected wholly. */
static void steps_of_host(struct audit *audit, struct audit_finding *finding)
{
    static const struct {
        const char *reason, *step;
    } rows[] = {
        {"unread", REMEDY_ACCESS},
        {"not-searched", "Let the login look into the folders that the message and the notes name, or add the folders "
                         "that a link leads to to sap_root in the inventory."},
        {"no-instance", "Correct sap_root of this host in the inventory; it may be several folders. If the host has no "
                        "SAP software, take it out of the inventory."},
        {"no-tool", "Install the tools that the message names on this host, or add their folder to the login's PATH."},
    };
    const char *reason = finding->host ? finding->host->reason : NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (g_strcmp0(reason, rows[i].reason) == 0)
            add(audit, finding->steps, "%s", rows[i].step);
    add(audit, finding->steps, "%s this host again; captures can be analyzed together.",
        finding->steps->len > 0 ? "Collect" : "Fix what the message says and collect");
}

static void steps_of_dates(struct audit *audit, struct audit_finding *finding)
{
    gboolean own = finding->severity >= SEVERITY_MEDIUM;
    if (own) {
        add(audit, finding->steps,
            "Renew it: in an ABAP system STRUST, the node of the PSE, create a certificate request, have it signed, "
            "import "
            "the answer; elsewhere sapgenpse get_pse and import_own_cert, or what your company uses.");
        add(audit, finding->steps,
            "Tell the peers that know this certificate itself and not its CA before you change it.");
    } else if (finding->kind == FINDING_EXPIRING) {
        add(audit, finding->steps,
            "Get the certificate that the same CA uses from then on, and add it to the same lists beside this one. "
            "Keep "
            "this one until its end: peers whose chain ends in it need it.");
        add(audit, finding->steps,
            "trustgap check AUDIT.xml --drop FINGERPRINT --chain PEER.pem tells which stores would then reject a "
            "peer.");
    } else {
        add(audit, finding->steps,
            "See whether a newer certificate of the same CA is in the same lists; then this one can go. Nothing fails "
            "for "
            "the sake of an entry that no peer needs.");
    }
}

/* What the policy asks for. */

void remedy_distrusted(struct audit *audit, struct audit_gap *gap, const char *section)
{
    const char *peer = peer_of(gap->failures);
    gap->distrusted = TRUE;
    add(audit, gap->steps,
        "Do not import this certificate: [%s] of the policy distrusts it. Ask whoever runs %s for a certificate of "
        "another CA, or have the policy changed.",
        section, peer ? peer : "the peer");
}

/* How an entry leaves the lists of the finding's stores, once for each way; the first store of it is named. */
static void add_removal(struct audit *audit, struct audit_finding *finding)
{
    const struct audit_store *strust = NULL, *java = NULL, *file = NULL;
    for (guint i = 0; i < finding->stores->len; i++) {
        const struct audit_store *store = finding->stores->pdata[i];
        const struct audit_store **way = is_of_strust(store) ? &strust : store->kind == INSTANCE_JAVA ? &java : &file;
        *way = *way ? *way : store;
    }
    if (strust) {
        g_autofree char *node = node_name(strust);
        add(audit, finding->steps,
            "In ABAP systems (%s first): transaction STRUST, node %s, change mode; double-click the entry, compare its "
            "fingerprint, delete it from the certificate list, Save.",
            strust->sid, node);
    }
    if (java) {
        g_autofree char *view = java_view(java->file);
        add(audit, finding->steps,
            "In Java systems (%s first): NetWeaver Administrator, Certificates and Keys, view %s: delete the entry, "
            "export the view to the PSE again, restart the ICM.",
            java->label, view);
    }
    if (file && file->members->len > 0) {
        add(audit, finding->steps,
            "Elsewhere (%s first), as the owner of the file: find the number of the entry, and delete that number:",
            file->label);
        add_sapgenpse(audit, finding->steps, file, file->members->pdata[0], "-l");
        add_sapgenpse(audit, finding->steps, file, file->members->pdata[0], "-d NUMBER");
        add_file_after(audit, finding->steps, file);
    }
}

static void steps_of_distrusted(struct audit *audit, struct audit_finding *finding)
{
    add(audit, finding->steps,
        "See which peers still have a chain that ends in it: connections to them fail once it is gone.");
    add_removal(audit, finding);
    add(audit, finding->steps, "To undo: import it again; the PEM is in the audit document.");
}

void remedy_weak(struct audit *audit, struct audit_finding *finding, gboolean own)
{
    if (own) {
        add(audit, finding->steps,
            "Give the PSE a new key pair of the strength that the policy wants and have it signed: in an ABAP system "
            "STRUST, the node of the PSE, Replace; elsewhere sapgenpse get_pse.");
        add(audit, finding->steps,
            "Tell the peers that know this certificate itself and not its CA before you change it.");
        return;
    }
    add(audit, finding->steps,
        "See which peers still have a chain that ends in it, and ask them for a chain of a stronger CA. Remove it when "
        "none is left.");
    add_removal(audit, finding);
}

void remedy_end_entity(struct audit *audit, struct audit_finding *finding, const struct audit_cert *issuer)
{
    if (issuer)
        add(audit, finding->steps,
            "Import its issuer \"%s\" (SHA-256 %s) in its place, or better the root above it, if these stores are to "
            "trust all that this CA signs.",
            short_name(audit, issuer->subject), issuer->sha256 ? issuer->sha256 : "not known");
    else
        add(audit, finding->steps,
            "Ask its owner for the certificate of its issuer \"%s\", and import that one in its place if these stores "
            "are to trust all that this CA signs.",
            short_name(audit, finding->cert->issuer));
    add(audit, finding->steps, "When the connections work with the CA alone, remove this entry.");
    add_removal(audit, finding);
    add(audit, finding->steps,
        "If only this one certificate is to be trusted, waive the finding in the policy until the day of its renewal.");
}

void remedy_finding(struct audit *audit, struct audit_finding *finding)
{
    GPtrArray *steps = finding->steps;
    const struct audit_store *store = finding->stores->len > 0 ? finding->stores->pdata[0] : NULL;

    switch (finding->kind) {
    case FINDING_TLS_FAILURE:
        if (finding->failures->len > 0)
            steps_of_failure(audit, finding, finding->failures->pdata[0]);
        break;
    case FINDING_EXPIRED:
    case FINDING_EXPIRING:
        steps_of_dates(audit, finding);
        break;
    case FINDING_DRIFT:
        add(audit, steps,
            "In system %s: transaction STRUST, node of %s: see whether the list there is the one that should be, save, "
            "and "
            "distribute the PSE to all instances.",
            store->sid, store->file);
        add(audit, steps,
            "If an entry was added to a file with sapgenpse and is still needed, add it in STRUST: distributing "
            "overwrites "
            "the file.");
        break;
    case FINDING_STORE_UNREADABLE:
        steps_of_unreadable(audit, finding, store);
        break;
    case FINDING_TRACE_LEVEL:
        add(audit, steps,
            "Set the trace level back to 1: SMICM > Goto > Trace Level > Set; for a Web Dispatcher on its admin "
            "page. If it comes back after a restart, see rdisp/TRACE in the profile.");
        break;
    case FINDING_DISTRUSTED:
        steps_of_distrusted(audit, finding);
        break;
    case FINDING_HOST_MISSING:
        steps_of_host(audit, finding);
        break;
    default:
        break;
    }
}

void remedy_told(struct audit *audit, struct audit_finding *finding, const struct audit_store *store)
{
    if (is_of_strust(store))
        add_abap_after(audit, finding->steps, store);
    else if (store->kind == INSTANCE_JAVA)
        add(audit, finding->steps, "Restart the ICM of the instance.");
    else
        add_file_after(audit, finding->steps, store);
    add(audit, finding->steps,
        "If the failures go on after that, raise the trace level to 2, call the peer once, set the level back to 1, "
        "and "
        "collect again: the peer may have changed its chain.");
}

/* Traces that tell too little. */

void remedy_unnamed(struct audit *audit, struct audit_finding *finding, const struct audit_instance *instance)
{
    g_autofree char *name = remedy_instance(instance);
    add(audit, finding->steps,
        "Raise the trace level to 2 on %s for as long as it takes to fail once more, for all its peers together: the "
        "finding on the trace of this instance has the steps. Then the next audit names the certificate.",
        name);
    add_show_chain(audit, finding->steps, finding->failures);
}

void remedy_torn(struct audit *audit, struct audit_finding *finding)
{
    add(audit, finding->steps,
        "Wait for the next audit. The trace begins or breaks off in the middle of this failure, so the certificate "
        "that "
        "it shows last may not be the one that is missing. The next audit reads the whole failure if it was still "
        "being "
        "written.");
    add(audit, finding->steps,
        "If the next audit says the same, let the connection fail once more: for a destination the connection test in "
        "SM59 is enough.");
    add_show_chain(audit, finding->steps, finding->failures);
}

static const char *how_to_set_level(const struct audit_instance *instance)
{
    return instance->kind == INSTANCE_WEBDISP
               ? "on the admin page of the Web Dispatcher, or on its host with wdispmon pf=PROFILE (+ raises, - lowers)"
               : "SMICM > Goto > Trace Level > Set";
}

void remedy_detail(struct audit *audit, struct audit_finding *finding, const struct audit_instance *instance)
{
    GPtrArray *steps = finding->steps;
    int level = level_of(instance);
    g_autofree char *name = remedy_instance(instance);

    if (level > 1)
        add(audit, steps, "The trace level of %s is %d by now; what failed before it was raised names nothing.", name,
            level);
    else
        add(audit, steps, "Raise the trace level of %s to 2: %s.", name, how_to_set_level(instance));
    add(audit, steps,
        "Let the connections named above fail once more: for a destination the connection test in SM59 is enough; wait "
        "for those who call by themselves.");
    add(audit, steps,
        "Set the trace level back to 1 at once: %s. Level 2 writes much, which would soon overwrite what was won, and "
        "may hold what is private.",
        how_to_set_level(instance));
    add(audit, steps,
        "Audit this host again before its trace is overwritten; this finding is then fixed, and another "
        "one has the certificate.");
}

void remedy_unanalyzed(struct audit *audit, struct audit_finding *finding, const char *object)
{
    add(audit, finding->steps,
        "Report this to the maintainers of trustgap, with the version (trustgap --version), the sentence above, and "
        "the "
        "file objects/%.2s/%s of the capture. The file may hold host names and other things that are not for "
        "everybody: "
        "look at it first.",
        object, object);
    add(audit, finding->steps,
        "Look at the file on the host until then. The finding is fixed when a later audit can analyze the file.");
}

void remedy_rotation(struct audit *audit, struct audit_finding *finding, const struct audit_instance *instance,
                     const char *reach)
{
    GPtrArray *steps = finding->steps;
    int level = level_of(instance);

    add(audit, steps,
        "If the process was only started more than once in that time, nothing has to be done: each start begins a new "
        "file as well.");
    if (level > 1)
        add(audit, steps, "Set the trace level, which is %d, back to 1: %s. That alone may be enough.", level,
            where_to_set_level(instance));
    if (instance->kind == INSTANCE_WEBDISP)
        add(audit, steps,
            "See in the profile what limits the size of the trace; whether rdisp/TRACE_LOGGING holds for a Web "
            "Dispatcher is not known.");
    else
        add(audit, steps,
            "Let the file grow larger before a new one begins: rdisp/TRACE_LOGGING (\"on, 100 m\", say), in the "
            "profile, or until the next start in RZ11. It holds for the other traces of the instance too: see that "
            "the disk has room.");
    add(audit, steps,
        "Until then audit this host at least every %s; a certificate that one audit has found missing stays open in "
        "the next.",
        reach);
}
