/*
 * make-trace: writes an ICM trace for tests and benchmarks, and what "trustgap explain" has to answer to it.
 *
 *   make-trace [--dense] [--size BYTES] [--failures N] [--seed N] TRACE ANSWER.json
 *
 * The trace is made after docs/formats/trace.md: several threads in turn, long stretches of level 1 and of level 2, and
 * N failures (200) of every kind, evenly spread, with lines of other threads inside their blocks.  With --dense it is
 * nothing but failures, as many as fit (or N).  What a normal trace says between failures is invented, and no line is
 * made to be found, or passed over, by a particular search.  The same program and
 * arguments give the same bytes; compilers differ in the order in which they draw the numbers of a line.
 *
 * At level 1 two failures of one thread that follow each other closely cannot be told apart in every case, so there
 * each thread fails in turn.  At level 2, and in a dense trace, the calls around a failure tell where it begins.
 */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS      12
#define SCRIPT_BYTES ((size_t)1 << 16) /* more than all lines of one connection */
#define OUT_BYTES    ((size_t)1 << 20)
#define VARIETY      4 /* samples of each kind of failure */
#define CHAIN        4 /* certificates that a tree shows at most */
#define NAMES        (CHAIN + 1)
#define FIRST_MOMENT 1793581323344 /* milliseconds; Mon Nov  2 2026 */
#define NAME_WIDTH   52            /* at which the oldest library cuts a name */

struct thread {
    char prefix[40];
    size_t prefix_size;
    char script[SCRIPT_BYTES]; /* lines that it has still to say, each with its line feed */
    size_t at, used;
    gboolean failing; /* they tell of a failure */
    unsigned due;     /* failures that it shall tell of next */
    gboolean after_during;
    uint64_t handle;
    unsigned port, ni, connection;
};

struct sample { /* a failure that occurs again and again, and what is to be answered */
    const struct kind *kind;
    unsigned number;
    const char *target, *store, *peer;
    const char *names[NAMES]; /* the subjects of a chain, leaf first, and above them the one that is not sent */
    unsigned depth;
    gboolean self_signed;
    const char *missing, *certainty;
    unsigned count;
};

enum shows { NOTHING = 0, STORE = 1, TARGET = 2, BOTH = 3 };
enum lacks { NO_CA, CHAIN_CA, NAMED_CA, UNKNOWN_CA };
enum side { CLIENT, SERVER };

struct kind {
    void (*write)(struct thread *, const struct sample *);
    unsigned depth;
    const char *cause, *error;
    int code;
    enum shows shows;
    enum lacks lacks;
    enum side side;
    gboolean begins_with_during;
};

static struct thread threads[THREADS];
static uint64_t seed = 0x9e3779b97f4a7c15;
static int64_t now_ms = FIRST_MOMENT;

static void G_GNUC_NORETURN G_GNUC_PRINTF(1, 2) die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, "make-trace: %s\n", message);
    exit(2);
}

/* xorshift64*: GLib's generator may change with its version. */
static uint64_t any(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * 0x2545f4914f6cdd1d;
}

static unsigned below(unsigned limit)
{
    return (unsigned)(((any() >> 32) * limit) >> 32);
}

static unsigned between(unsigned low, unsigned high)
{
    return low + below(high - low + 1);
}

#define ONE_OF(words) ((words)[below(G_N_ELEMENTS(words))])

/* ---- What a thread says ---- */

static void G_GNUC_PRINTF(2, 3) say(struct thread *thread, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(thread->script + thread->used, SCRIPT_BYTES - thread->used, format, args);
    va_end(args);
    g_assert(size >= 0 && thread->used + (size_t)size + 1 < SCRIPT_BYTES);
    thread->used += (size_t)size;
    thread->script[thread->used++] = '\n';
}

static void next_connection(struct thread *thread)
{
    thread->handle = 0x7f0e30000c70 + (any() & 0xfffff0);
    thread->port = between(32768, 60999);
    thread->ni = between(5, 4000);
    thread->connection += between(1, 9);
}

static const char *any_host(void)
{
    static const char *const names[] = {"api", "shop", "idp", "erp", "mail", "gateway", "portal", "files", "print"};
    static const char *const domains[] = {"example.com", "example.org", "example.net", "corp.example"};
    static char text[64];
    g_snprintf(text, sizeof text, "%s%u.%s", ONE_OF(names), below(300), ONE_OF(domains));
    return text;
}

static const char *any_path(void)
{
    static const char *const roots[] = {"/sap/bc/gui/sap/its/webgui", "/sap/opu/odata/sap", "/sap/bc/ui5_ui5",
                                        "/sap/public/bc/icons",       "/sap/bc/srt/wsdl",   "/sap/bc/ping"};
    static const char *const words[] = {"ORDERS_SRV",    "$metadata", "resources",    "Component-preload.js",
                                        "manifest.json", "batch",     "TaskSet",      "approve",
                                        "library.css",   "i18n",      "Partners_SRV", "search"};
    static char text[256];
    int used = g_snprintf(text, sizeof text, "%s", ONE_OF(roots));
    for (unsigned i = below(4); i > 0; i--)
        used += g_snprintf(text + used, sizeof text - (gulong)used, "/%s", ONE_OF(words));
    uint64_t id = any();
    id >>= below(40);
    if (below(3) == 0)
        g_snprintf(text + used, sizeof text - (gulong)used, "?sap-client=%03u&sap-language=EN&id=%" PRIX64,
                   between(100, 999), id);
    return text;
}

/* ---- Level 1: now and then a line ---- */

static void sparse_lines(struct thread *thread)
{
    switch (below(4) ? between(3, 12) : below(13)) {
    case 10:
        say(thread, "*** WARNING => IcmNetCheck: DNS lookup of %s took %u ms [icxxman_mt.c %u]", any_host(),
            between(500, 9000), between(100, 4000));
        break;
    case 1:
        say(thread,
            "*** ERROR => IcmConnCheckStoredPoolEntries: pool entry %u has no open connection [icxxconn_mt.c %u]",
            below(500), between(100, 4000));
        break;
    case 2:
        say(thread,
            "*** ERROR => NiIRead: SiRecv failed for hdl %u/sock %u (SI_ECONN_BROKEN/104; I4; ST; "
            "192.0.2.%u:%u) [nixxi.cpp %u]",
            between(5, 4000), between(9, 900), below(256), between(1024, 65535), between(4000, 6000));
        break;
    case 3:
        say(thread, "IcmCreateWorkerThreads: created worker thread %u, %u of them now", below(250), between(10, 250));
        break;
    case 4:
        say(thread, "IcmWorkerThread: thread %u ends, idle for %u s", below(250), between(300, 4000));
        break;
    case 5:
        say(thread, "ISC: cache %u%% filled, %u of %u entries, %u invalidated", below(100), below(9000), 10000,
            below(300));
        break;
    case 6:
        say(thread, "HttpExtractArchive: files from archive /usr/sap/PRD/SYS/exe/run/icmadmin.SAR in directory "
                    "/usr/sap/PRD/D00/data/icmandir are up to date");
        break;
    case 7:
        say(thread,
            "*** WARNING => HttpPlugInHandleNetData: request header of %u bytes from 192.0.2.%u, limit %u "
            "[http_plg_mt.c %u]",
            between(60000, 90000), below(256), 65536, between(100, 9000));
        break;
    case 8:
        say(thread, "IcmHandleMonitorMessage: called with opcode: %u", between(1, 140));
        break;
    case 9:
        say(thread, "MPI: Free %u of %u pipes, %u blocks of %u bytes in use", below(2000), 2000, below(8000), 65536);
        break;
    case 0:
        say(thread, "*** ERROR => IcmReadFromConn(id=%u/%u): read on connection failed (rc = -%u) [icxxthr_mt.c %u]",
            below(2000), thread->connection, between(1, 30), between(100, 9000));
        break;
    case 11:
        say(thread, "Log file /usr/sap/PRD/D00/work/access-2026-%02u-%02u.log switched, %u requests in %u s",
            between(1, 12), between(1, 28), below(900000), between(60, 86400));
        break;
    case 12: /* of a connection that goes well */
        say(thread, "  SSL NI-hdl %u: local=192.0.2.10:%u  peer=203.0.113.%u:443", between(5, 4000),
            between(32768, 60999), below(256));
        say(thread, "HttpParseRequestHeader: len=%u hdl=%u GET %s HTTP/1.1", between(80, 9000), between(5, 20000),
            any_path());
        break;
    default:
        say(thread, "IcmServiceCheck: service on port %u (%s) has %u connections, keep alive %u, processing time %u",
            between(8000, 50099), below(2) ? "HTTPS" : "HTTP", below(900), between(10, 60), between(60, 600));
    }
}

/* ---- Level 2: each call of each connection ---- */

static void say_call(struct thread *thread, const char *function)
{
    say(thread, "->> %s(sssl_hdl=%" PRIx64 ")", function, thread->handle);
}

static void say_ok(struct thread *thread, const char *function)
{
    say(thread, "<<- %s(sssl_hdl=%" PRIx64 ")==SAP_O_K", function, thread->handle);
}

static void init_session(struct thread *thread, enum side side)
{
    say(thread, "->> SapSSLSessionInit(&sssl_hdl=%" PRIx64 ")", 0x7ffd00000000 + (any() & 0xfffff8));
    say(thread, "     in: args     = \"role=%s\"",
        side == SERVER ? "2 (SERVER), auth_type=1 (ASK_CLIENT_CERT)" : "1 (CLIENT), auth_type=3 (USE_CLIENT_CERT)");
    say(thread, "    out: sssl_hdl = %" PRIx64, thread->handle);
    say(thread, "<<- SapSSLSessionInit()==SAP_O_K");
}

static void begin_session(struct thread *thread, enum side side)
{
    init_session(thread, side);
    say_call(thread, "SapSSLSetNiHdl");
    say(thread, "     in: ni_hdl = %u", thread->ni);
    say_ok(thread, "SapSSLSetNiHdl");
}

static void end_session(struct thread *thread)
{
    say(thread, "->> SapSSLSessionDone(&sssl_hdl=%" PRIx64 ")", 0x7ffd00000000 + (any() & 0xfffff8));
    say(thread, "     in: sssl_hdl = %" PRIx64, thread->handle);
    say(thread, "    out: sssl_hdl = 0");
    say(thread, "<<- SapSSLSessionDone()==SAP_O_K");
}

static void say_suite(struct thread *thread)
{
    static const char *const suites[] = {"TLS_ECDHE_RSA_WITH_AES256_GCM_SHA384", "TLS_AES_128_GCM_SHA256",
                                         "TLS_ECDHE_ECDSA_WITH_AES128_GCM_SHA256"};
    say(thread, "    out: cipher_suite = \"%s\"", ONE_OF(suites));
    say(thread, "    out: key_size     = %u", below(2) ? 128 : 256);
}

static void start_client(struct thread *thread)
{
    const char *host = any_host();
    begin_session(thread, CLIENT);
    say_call(thread, "SapSSLSetTargetHostname");
    say(thread, "     in: hostname = \"%s\"", host);
    say_ok(thread, "SapSSLSetTargetHostname");
    say_call(thread, "SapSSLSessionStartNB");
    say(thread, "  TLSextSNI server_name=\"%s\"", host);
    say(thread, "  Target Hostname=\"%s\"", host);
    say(thread, "  SSL NI-hdl %u: local=192.0.2.10:%u  peer=203.0.113.%u:443", thread->ni, thread->port, below(256));
    say(thread, "  cli SSL session PSE \"/usr/sap/PRD/D00/sec/SAPSSL%c.pse\"", "CA"[below(2)]);
    say(thread, "  Client SSL_CTX %" PRIx64 " pvflags=%u (TLSv1.3,TLSv1.2)", 0x7f00a0001000 + (any() & 0xffff0), 896);
    say_suite(thread);
    say_ok(thread, "SapSSLSessionStartNB");
    say(thread, "  ServerCert.subject = <CN=%s, O=Example %u, C=DE>", host, below(90));
    say(thread, "  ServerCert.issuer  = <CN=Example Issuing CA %u, O=Example Trust, C=NL>", below(40));
}

static void start_server(struct thread *thread)
{
    begin_session(thread, SERVER);
    say_call(thread, "SapSSLSessionStartNB");
    say(thread, "  SSL NI-hdl %u: local=192.0.2.10:44300  peer=192.0.2.%u:%u", thread->ni, below(256), thread->port);
    say(thread, "  srv SSL session PSE \"/usr/sap/PRD/D00/sec/SAPSSLS.pse\"");
    say_suite(thread);
    if (below(4) == 0)
        say(thread, "    out: client_cert = \"CN=USER%05u, OU=Staff, O=Example, C=DE\"", below(90000));
    say_ok(thread, "SapSSLSessionStartNB");
}

/* Address, offset, four words, and the text: of a piece of a message with random bytes in it. */
static void dump(struct thread *thread)
{
    char text[160];
    uint64_t address = 0x7f3a2c000000 + (any() & 0xfffff0);
    int size =
        g_snprintf(text, sizeof text, "HTTP/1.1 %u OK\r\ncontent-type: text/html; charset=utf-8\r\nx-id: %" PRIX64,
                   between(200, 304), any());
    for (int at = 0; at + 16 <= size; at += 16) {
        char hex[40], clean[17];
        for (int i = 0; i < 16; i++) {
            uint8_t byte = (uint8_t)text[at + i];
            g_snprintf(hex + i * 2 + i / 4, 4, "%02x ", byte);
            clean[i] = g_ascii_isprint((char)byte) ? (char)byte : '.';
        }
        clean[16] = '\0';
        say(thread, "%" PRIx64 "  %06x  %s|%s|", address + (uint64_t)at, (unsigned)at, hex, clean);
    }
}

static void read_and_write(struct thread *thread, gboolean tls)
{
    unsigned size = between(80, 60000);
    if (tls) {
        say_call(thread, "SapSSLReadNB");
        say(thread, "    out: rd_len = %u", size);
        say_ok(thread, "SapSSLReadNB");
    }
    say(thread, "NiIRead: hdl %u received data (rcd=%u,pac=%u,RAW_IO)", thread->ni, size, between(1, 5));
    say(thread, "IcmReadFromConn(id=%u/%u): read %u bytes (timeout %u)", below(2000), thread->connection, size,
        between(100, 60000));
    if (below(12) == 0)
        dump(thread);
    say(thread, "MPI<%x>%u#%u GetOutbuf -1 %x %u (0) -> 0 0", below(1 << 20), below(2000), below(99), below(1 << 24),
        65536);
    say(thread, "MPI<%x>%u#%u FlushOutbuf l%u p%u f%u %x r0", below(1 << 20), below(2000), below(99), between(1, 4),
        below(4), size, below(1 << 24));
    if (tls) {
        say_call(thread, "SapSSLWriteNB");
        say(thread, "     in: buf_len = %u", size);
        say(thread, "    out: wrt_len = %u", size);
        say_ok(thread, "SapSSLWriteNB");
    }
    say(thread, "NiIWrite: hdl %u sent data (wrt=%u,pac=%u,RAW_IO)", thread->ni, size, between(1, 5));
}

static void request(struct thread *thread, gboolean tls)
{
    static const char *const methods[] = {"GET", "GET", "GET", "POST", "HEAD", "PUT"};
    static const char *const states[] = {"READ_REQUEST", "PROCESS_REQUEST", "READ_RESPONSE", "SEND_RESPONSE", "CLOSE"};

    say(thread, "HttpPlugInHandleNetData: connection id=%u/%u, role %s, %u bytes", below(2000), thread->connection,
        below(2) ? "Server" : "Client", between(80, 60000));
    say(thread, "%s %s HTTP/1.1", ONE_OF(methods), any_path());
    say(thread, "  host: %s", any_host());
    say(thread, "  user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:%u.0) Gecko/20100101", between(90, 140));
    say(thread, "HttpModHandler: actions of rule %u: %u applied, url %s", below(40), below(4), any_path());
    read_and_write(thread, tls);
    say(thread, "IcmMsgProcess: Receive data from partner: WP(%u), wp_no=%u", between(1, 4), below(60));
    say(thread, "IcmPlCheckRetVal: Next status: %s(%u)", ONE_OF(states), between(1, 9));
    say(thread, "HttpLogEntry: 192.0.2.%u - %s %u %u bytes %u ms", below(256), any_path(), between(200, 504),
        below(900000), below(4000));
    if (below(20) == 0)
        sparse_lines(thread);
}

static void busy_lines(struct thread *thread)
{
    gboolean tls = below(3) > 0, server = below(3) > 0;

    next_connection(thread);
    say(thread, "IcmWorkerThread: worker %u got the semaphore, %u requests queued", below(250), below(40));
    say(thread, "REQUEST: type %s(%u), index %u", server ? "ACCEPT_CONNECTION" : "OPEN_CONNECTION", server ? 1 : 4,
        below(2000));
    say(thread, "CONNECTION (id=%u/%u): used: 1, type: default, role: %s(%u), stateful: %u", below(2000),
        thread->connection, server ? "Server" : "Client", server ? 1 : 2, below(2));
    say(thread, "    NI_HDL: %u, protocol: %s(%u), local host: 192.0.2.10:%u, remote host: 192.0.2.%u:%u", thread->ni,
        tls ? "HTTPS" : "HTTP", tls ? 2 : 1, thread->port, below(256), between(1024, 65535));
    if (tls && server)
        start_server(thread);
    else if (tls)
        start_client(thread);
    for (unsigned i = between(1, 4); i > 0; i--)
        request(thread, tls);
    if (tls)
        end_session(thread);
    say(thread, "NiICloseHandle: shutdown and close hdl %u/sock %u", thread->ni, between(9, 900));
    say(thread, "IcmConnFreeContext: context %u released", below(4000));
}

/* ---- Failures, each in one of the forms of docs/formats/trace.md ---- */

static void say_api_error(struct thread *thread, const char *function, const char *error)
{
    say(thread, "<<- ERROR: %s(sssl_hdl=%" PRIx64 ")==%s", function, thread->handle, error);
}

static void say_peer(struct thread *thread, const struct sample *sample, const char *label)
{
    if (sample->kind->side == SERVER) /* another port each time */
        say(thread, "  SSL %s: local=192.0.2.10:44300  peer=203.0.113.%u:%u", label, sample->number, thread->port);
    else
        say(thread, "  SSL %s: local=192.0.2.10:%u  peer=%s", label, thread->port, sample->peer);
}

static void say_ni(struct thread *thread, const struct sample *sample)
{
    char label[24];
    g_snprintf(label, sizeof label, "NI-hdl %u", thread->ni);
    say_peer(thread, sample, label);
}

static void say_icm(struct thread *thread, const struct sample *sample, const char *verb)
{
    const struct kind *kind = sample->kind;
    say(thread, "*** ERROR => IcmConnInit%sSSL: SapSSLSessionStart %s (%d): %s {%08x} [icxxconn_mt.c %u]",
        kind->side == SERVER ? "Server" : "Client", verb, kind->code, kind->error, below(1 << 16), between(1500, 2200));
}

static void say_headline(struct thread *thread, const struct sample *sample, const char *sentence)
{
    const struct kind *kind = sample->kind;
    char code[16] = "";
    if (kind->code)
        g_snprintf(code, sizeof code, " (%d)", kind->code);
    say(thread, "*** ERROR => SSL handshake with %s:443 failed: %s%s", sample->target, kind->error, code);
    if (!sentence)
        return;
    say(thread, "%s", sentence);
    say(thread, "%s", "");
    say(thread, "SapSSLSessionStartNB()==%s", kind->error);
}

static const char *untrusted_sentence(void)
{
    static const char *const sentences[] = {"The peer's X.509 Certificate (chain) is untrusted",
                                            "Peer's X.509 certificate (chain) validation failed (missing trust?)"};
    return ONE_OF(sentences);
}

/* "during", the store, and what the library says; of the newer library. */
static void say_start(struct thread *thread, const struct sample *sample, unsigned number, const char *reason)
{
    const char *call = sample->kind->side == SERVER ? "SSL_accept" : "SSL_connect";
    say(thread, "*** ERROR during SecuSSL_SessionStartNB() from %s()==SSL_ERROR_SSL", call);
    say(thread, "   session uses PSE file \"%s\"", sample->store);
    say(thread, "SecuSSL_SessionStartNB: %s() failed  (%u/0x%08x)", call, number, number);
    say(thread, "  => \"%s\"", reason);
}

static void say_certificate(struct thread *thread, const struct sample *sample, unsigned level)
{
    int indent = level ? (int)level * 3 + 2 : 2;
    unsigned issuer = level + 1 == sample->depth && sample->self_signed ? level : level + 1;

    say(thread, "%*s%-24s%s", indent, "", "Subject:", sample->names[level]);
    say(thread, "%*s%-24s%s", indent, "", "Issuer:", sample->names[issuer]);
    say(thread, "%*s%-24s0C:%02X:A9:00:%02X:00:00:%02X", indent, "", "Serial Number:", sample->number,
        sample->kind->depth, level + 1);
    say(thread, "%*sVerification result:", indent - 1, "");
    say(thread, "%*s%-24sNot successful", indent, "", "Status:");
}

/* The certificates from the leaf upwards; ${failed} is the signer's own check that fails, if any. */
static void say_tree(struct thread *thread, const struct sample *sample, const char *failed)
{
    static const char *const checks[] = {"Validity", "BasicConstraints", "KeyUsage"};

    say(thread, ">> ---------- Begin of Secu-SSL Errorstack ---------- >>");
    say(thread, "Peer not trusted");
    say(thread, "Certificate:");
    say(thread, " Certificate:");
    for (unsigned level = 0; level < sample->depth; level++) {
        say_certificate(thread, sample, level);
        if (level + 1 == sample->depth)
            break;
        int indent = (int)level * 3 + 3;
        say(thread, "%*s%-24sNot successful", indent - 1, "", "SignerStatus:");
        say(thread, "%*sSignerVerificationResult:", indent - 1, "");
        say(thread, "%*s%-23sNot successful", indent, "", "Status:");
        for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
            char label[24];
            g_snprintf(label, sizeof label, "%s:", checks[i]);
            say(thread, "%*s%-23s%s", indent, "", label,
                g_strcmp0(checks[i], failed) ? "Successful" : "Not successful");
        }
        say(thread, "%*s%-23s%s", indent, "", "ObjectStatus:", failed ? "Successful" : "Not successful");
        say(thread, "%*sSignerCert:", indent, "");
        say(thread, "%*sCertificate:", indent + 1, "");
    }
    say(thread, "<< ---------- End of Secu-SSL Errorstack ----------");
}

#define NOT_TRUSTED 0x2000051d
#define DISTRUST    "Failed to verify peer certificate. Peer not trusted."

static void write_tree_with(struct thread *thread, const struct sample *sample, const char *failed)
{
    say_start(thread, sample, NOT_TRUSTED, DISTRUST);
    say_tree(thread, sample, failed);
    say(thread, "  Target Hostname=\"%s\"", sample->target);
    say_ni(thread, sample);
    say_api_error(thread, "SapSSLSessionStartNB", sample->kind->error);
    say_headline(thread, sample, untrusted_sentence());
}

static void write_tree(struct thread *thread, const struct sample *sample)
{
    write_tree_with(thread, sample, NULL);
}

static void write_tree_expired(struct thread *thread, const struct sample *sample)
{
    write_tree_with(thread, sample, "Validity");
}

static void write_tree_constraints(struct thread *thread, const struct sample *sample)
{
    write_tree_with(thread, sample, sample->number % 2 ? "BasicConstraints" : "KeyUsage");
}

static void say_old_start(struct thread *thread, const struct sample *sample)
{
    say(thread, "*** ERROR during SecudeSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL");
    say(thread, "   session uses PSE file \"%s\"", sample->store);
    say(thread, "SecudeSSL_SessionStart: SSL_connect() failed");
}

static void say_old_end(struct thread *thread, const struct sample *sample)
{
    say(thread, "<< ---------- End of Secude-SSL Errorstack ----------");
    say(thread, "  SSL_get_state() returned 0x00002131 \"SSLv3 read server certificate B\"");
    say_peer(thread, sample, "NI-sock");
    say_api_error(thread, "SapSSLSessionStart", sample->kind->error);
    say_icm(thread, sample, "failed");
}

/* The oldest form: no chain; it cuts the name of what is missing. */
static void write_secude(struct thread *thread, const struct sample *sample)
{
    static const char verify[] = "verification of the server's certificate chain failed";

    say_old_start(thread, sample);
    say(thread, "  secude_error 9 (0x00000009) = \"%s\"", verify);
    say(thread, ">> ---------- Begin of Secude-SSL Errorstack ---------- >>");
    say(thread, "ERROR in ssl3_get_server_certificate: (9/0x0009) %s", verify);
    say(thread, "ERROR in af_verify_Certificates: (24/0x0018) chain of certificates is incomplete : \"%s%s",
        sample->missing, strlen(sample->missing) < NAME_WIDTH ? "\"" : "");
    say(thread, "ERROR in get_path: (24/0x0018) no path, chain of certificates is incomplete");
    say_old_end(thread, sample);
}

static void say_bytes(struct thread *thread, const char *label, int indent, unsigned count, unsigned group,
                      const char *separator)
{
    char text[80];
    int used = 0;
    for (unsigned i = 0; i < count; i++)
        used += g_snprintf(text + used, sizeof text - (gulong)used, "%s%02X", i && i % group == 0 ? separator : "",
                           below(256));
    say(thread, "%*s%s:%s", indent, "", label, text);
}

/* The leaf alone, with its dates and fingerprints. */
static void write_flat(struct thread *thread, const struct sample *sample)
{
    say_old_start(thread, sample);
    say(thread, "   secude_error 536872221 (0x2000051d) = \"SSL API error\"");
    say(thread, ">> ---------- Begin of Secude-SSL Errorstack ---------- >>");
    say(thread, "0x2000051d | SAPCRYPTOLIB | SSL_connect");
    say(thread, "SSL API error");
    say(thread, "0xa0600203 | SSL | ssl_verify_peer_certificates");
    say(thread, "Peer not trusted");
    say(thread, "0xa0600297 | SSL | ssl_cert_checker_verify_certificates");
    say(thread, "peer certificate (chain) is not trusted");
    say(thread, "Certificate:");
    say(thread, "  Certificate:");
    say(thread, "      Subject :%s", sample->names[0]);
    say(thread, "      Issuer :%s", sample->names[sample->self_signed ? 0 : 1]);
    say(thread, "      Serial number:0x2026%02u01112233", sample->number);
    say(thread, "      Validity:");
    say(thread, "            Not before :Thu Jan 1 01:00:00 2026");
    say(thread, "            Not after :Fri Jan 1 01:00:00 2038");
    say(thread, "      Key:");
    say(thread, "             Key type :rsaEncryption (1.2.840.113549.1.1.1)");
    say(thread, "             Key size :2048");
    say_bytes(thread, "PK_Fingerprint_MD5", 10, 16, 2, " ");
    say(thread, "      Signature algorithm:sha256WithRsaEncryption (1.2.840.113549.1.1.11)");
    say_bytes(thread, "Fingerprint_MD5", 6, 16, 1, ":");
    say_bytes(thread, "Fingerprint_SHA1", 6, 20, 2, " ");
    say(thread, "   Verification result:");
    say(thread, "      Status :Not successful");
    say(thread, "      Profile :");
    say(thread, "      DirectlyTrusted:Not successful");
    say(thread, "%s", "");
    say_old_end(thread, sample);
}

static void write_read(struct thread *thread, const struct sample *sample)
{
    say(thread, "*** ERROR during secussl_read() from SSL_read()==SSL_ERROR_SSL");
    say(thread, "secussl_read: SSL_read() failed");
    say(thread, "  => \"%s\"", DISTRUST);
    say_api_error(thread, "SapSSLReadNB", sample->kind->error);
}

static void write_headline(struct thread *thread, const struct sample *sample)
{
    say_headline(thread, sample, untrusted_sentence());
}

static void write_mismatch(struct thread *thread, const struct sample *sample)
{
    say_api_error(thread, "SapSSLSessionStartNB", sample->kind->error);
    say_headline(thread, sample, "The certificate does not match the host name, see RFC 2818");
    say(thread, "  TargetHostname     = \"%s\"", sample->target);
    say(thread, "  ServerCert.subject = <%s>", sample->names[1]);
}

static void write_refused(struct thread *thread, const struct sample *sample)
{
    static const char alert[] = "received a fatal TLS certificate unknown alert message from the peer";

    say_start(thread, sample, 0x20001046, alert);
    say(thread, "  Target Hostname=\"%s\"", sample->target);
    say_ni(thread, sample);
    say_api_error(thread, "SapSSLSessionStartNB", sample->kind->error);
    say_headline(thread, sample, alert);
}

/* The end comes first. */
static void write_server_refused(struct thread *thread, const struct sample *sample)
{
    say_api_error(thread, "SapSSLSessionStart", sample->kind->error);
    say_icm(thread, sample, "returned");
    say(thread, "SSL_get_state() returned 0x00001180 \"TLS read client certificate A\"");
    say_start(thread, sample, 0x20001046, "received a fatal TLS certificate unknown alert message from the peer");
}

static void write_server_untrusted(struct thread *thread, const struct sample *sample)
{
    say_start(thread, sample, NOT_TRUSTED, DISTRUST);
    say_tree(thread, sample, NULL);
    say(thread, "  SSL_get_state() returned 0x00001180 \"TLS read client certificate A\"");
    say_ni(thread, sample);
    say_api_error(thread, "SapSSLSessionStart", sample->kind->error);
    say_icm(thread, sample, "returned");
}

static void write_alerted(struct thread *thread, const struct sample *sample)
{
    say_headline(thread, sample, "received a fatal TLS handshake failure alert message from the peer");
}

static void write_closed(struct thread *thread, const struct sample *sample)
{
    say(thread, "  TLSextSNI server_name=\"%s\"", sample->target);
    say(thread, "  Target Hostname=\"%s\"", sample->target);
    say(thread, "  SSL:SSL_get_state()==0x2120 \"TLS read server hello A\"");
    say_ni(thread, sample);
    say(thread, "*** ERROR => SapSSLSessionStartNB(): incomplete SSL handshake, peer closed [ssslsecu.c %u]",
        between(4000, 6000));
    say_headline(thread, sample, "The peer has closed the connection");
    say(thread, "{%08x} {root-id=%08X%08X}", below(1 << 16), below(1 << 30), below(1 << 30));
}

static void write_not_tls(struct thread *thread, const struct sample *sample)
{
    say_headline(thread, sample, "The peer does not speak TLS");
}

static void write_no_request(struct thread *thread, const struct sample *sample)
{
    say_ni(thread, sample);
    say_api_error(thread, "SapSSLSessionStart", sample->kind->error);
    say_icm(thread, sample, "returned");
}

static void write_proxy(struct thread *thread, const struct sample *sample)
{
    say(thread,
        "*** ERROR => IcmConnInitClientSSL: Proxy connection to https://%s:443 via proxy.example.com:3128 failed"
        " (proxy returned %s)",
        sample->target, sample->number % 2 ? "407 Proxy Authentication Required" : "503 Service Unavailable");
}

static void write_expired(struct thread *thread, const struct sample *sample)
{
    say(thread, "  Target Hostname=\"%s\"", sample->target);
    say_ni(thread, sample);
    say_api_error(thread, "SapSSLSessionStartNB", sample->kind->error);
    say_headline(thread, sample, NULL);
}

static void write_forwarded(struct thread *thread, const struct sample *sample)
{
    (void)sample;
    say(thread, "HttpIsReverseProxyTrustworthy: no client certificate from the intermediary");
    say(thread, "Reject untrusted forwarded certificate (received via HTTPS without certificate)");
}

static void write_unusable(struct thread *thread, const struct sample *sample)
{
    say_api_error(thread, "SapSSLSessionStart", sample->kind->error);
    say_icm(thread, sample, "failed");
}

#define UNTRUSTED "SSSLERR_PEER_CERT_UNTRUSTED"

static const struct kind kinds[] = {
    {write_tree, 1, "untrusted-peer", UNTRUSTED, -102, BOTH, CHAIN_CA, CLIENT, TRUE},
    {write_tree, 2, "untrusted-peer", UNTRUSTED, -102, BOTH, CHAIN_CA, CLIENT, TRUE},
    {write_tree, 3, "untrusted-peer", UNTRUSTED, -102, BOTH, CHAIN_CA, CLIENT, TRUE},
    {write_tree, 4, "untrusted-peer", UNTRUSTED, -102, BOTH, CHAIN_CA, CLIENT, TRUE},
    {write_tree_constraints, 2, "untrusted-peer", UNTRUSTED, -102, BOTH, UNKNOWN_CA, CLIENT, TRUE},
    {write_tree_expired, 2, "expired-peer", UNTRUSTED, -102, BOTH, NO_CA, CLIENT, TRUE},
    {write_flat, 1, "untrusted-peer", UNTRUSTED, -102, STORE, CHAIN_CA, CLIENT, TRUE},
    {write_secude, 0, "untrusted-peer", "SSSLERR_SSL_CONNECT", -57, STORE, NAMED_CA, CLIENT, TRUE},
    {write_read, 0, "untrusted-peer", "SSSLERR_SSL_READ", 0, NOTHING, UNKNOWN_CA, CLIENT, TRUE},
    {write_headline, 0, "untrusted-peer", UNTRUSTED, -102, TARGET, UNKNOWN_CA, CLIENT, FALSE},
    {write_mismatch, 0, "name-mismatch", "SSSLERR_SERVER_CERT_MISMATCH", -30, TARGET, NO_CA, CLIENT, FALSE},
    {write_refused, 0, "peer-refused", "SSSLERR_ALERT_CERTIFICATE_UNKNOWN", -127, BOTH, NO_CA, CLIENT, TRUE},
    {write_server_refused, 0, "peer-refused", "SSSLERR_SSL_ACCEPT", -56, STORE, NO_CA, SERVER, FALSE},
    {write_server_untrusted, 1, "untrusted-peer", "SSSLERR_SSL_ACCEPT", -56, STORE, CHAIN_CA, SERVER, TRUE},
    {write_alerted, 0, "handshake", "SSSLERR_ALERT_HANDSHAKE_FAILURE", -122, TARGET, NO_CA, CLIENT, FALSE},
    {write_closed, 0, "closed", "SSSLRC_CONN_CLOSED", -10, TARGET, NO_CA, CLIENT, FALSE},
    {write_not_tls, 0, "not-tls", "SSSLRC_NO_SSL_RESPONSE", -75, TARGET, NO_CA, CLIENT, FALSE},
    {write_no_request, 0, "not-tls", "SSSLERR_NO_SSL_REQUEST", -25, NOTHING, NO_CA, SERVER, FALSE},
    {write_proxy, 0, "proxy-refused", NULL, 0, TARGET, NO_CA, CLIENT, FALSE},
    {write_expired, 0, "expired-peer", "SSSLERR_PEER_CERT_EXPIRED", 0, TARGET, NO_CA, CLIENT, FALSE},
    {write_forwarded, 0, "reverse-proxy", NULL, 0, NOTHING, NO_CA, SERVER, FALSE},
    {write_unusable, 0, "store-unusable", "SSSLERR_CRED_NOT_FOUND", -42, NOTHING, NO_CA, SERVER, FALSE},
};

#define SAMPLES (G_N_ELEMENTS(kinds) * VARIETY)

static struct sample samples[SAMPLES];

static void G_GNUC_PRINTF(2, 3) set(const char **field, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    *field = g_strdup_vprintf(format, args);
    va_end(args);
}

/* What is missing after the oldest library: for some so long that it is cut, for others whole. */
static void set_named(struct sample *sample)
{
    unsigned number = sample->number;
    g_autofree char *name =
        number % 2 ? g_strdup_printf("OU=Root %u, O=\"Example, Inc.\", C=US", number)
                   : g_strdup_printf("OU=Example Class %u Public Primary Certification Authority, C=US", number);
    set(&sample->missing, "%.*s", NAME_WIDTH, name);
}

static void set_missing(struct sample *sample)
{
    switch (sample->kind->lacks) {
    case CHAIN_CA:
        sample->missing = sample->names[sample->depth - (sample->self_signed ? 1 : 0)];
        sample->certainty = sample->self_signed ? "self-signed" : "issuer";
        break;
    case NAMED_CA:
        set_named(sample);
        sample->certainty = "named";
        break;
    case UNKNOWN_CA:
        sample->certainty = "unknown";
        break;
    case NO_CA:
        break;
    }
}

static void make_sample(struct sample *sample, unsigned number)
{
    static const char *const hosts[] = {"api", "hub", "www.shop", "idp"};
    const struct kind *kind = &kinds[number / VARIETY];
    unsigned variant = number % VARIETY;
    char *target = g_strdup_printf("%s%u.example.%s", hosts[variant], number, variant % 2 ? "net" : "com");

    *sample = (struct sample){.kind = kind, .number = number, .depth = kind->depth, .target = target};
    sample->self_signed = kind->depth > 0 && variant == 3;
    set(&sample->peer, "198.51.100.%u:443", number);
    if (kind->side == SERVER)
        set(&sample->store, "/usr/sap/PRD/D00/sec/SAPSSLS.pse");
    else if (variant == 2)
        set(&sample->store, "/usr/sap/PRD/D00/sec/SAPSSLX%02u.pse", number % 7);
    else
        set(&sample->store, "/usr/sap/PRD/D00/sec/SAPSSL%c.pse", "CA"[variant % 2]);
    set(&sample->names[0], "CN=%s, O=\"Shop & Sons, Ltd.\", L=Ulm, SP=Bayern, C=DE", target);
    for (unsigned i = 1; i < NAMES; i++)
        set(&sample->names[i], "CN=Example %s CA %u-%u, O=Example Trust %u, C=NL", i == NAMES - 1 ? "Root" : "Issuing",
            number, i, number % 9);
    set_missing(sample);
}

/* ---- The whole trace ---- */

struct writer {
    FILE *file;
    char buffer[OUT_BYTES];
    size_t used;
    uint64_t written; /* with the buffer */
    unsigned until_stamp;
};

static struct writer writer;

static void flush_out(void)
{
    if (fwrite(writer.buffer, 1, writer.used, writer.file) != writer.used)
        die("cannot write the trace: %s", g_strerror(errno));
    writer.used = 0;
}

static void put(const char *bytes, size_t size)
{
    if (writer.used + size > OUT_BYTES)
        flush_out();
    memcpy(writer.buffer + writer.used, bytes, size);
    writer.used += size;
    writer.written += size;
}

static void put_header(void)
{
    static const char header[] = "---------------------------------------------------\n"
                                 "trc file: \"dev_icm\", trc level: 2, release: \"785\"\n"
                                 "---------------------------------------------------\n"
                                 "sysno      00\nsid        PRD\nsystemid   390 (AMD/Intel x86_64 with Linux)\n"
                                 "relno      7850\npatchlevel 0\npatchno    215\nintno      20200100\n"
                                 "make       multithreaded, Unicode, 64 bit, optimized\n"
                                 "profile    /usr/sap/PRD/SYS/profile/PRD_D00_host1\npid        4711\n\n";
    put(header, sizeof header - 1);
}

/* Never within a failure's own lines: how that would look is not known. */
static void put_stamp(const struct thread *thread, int level)
{
    char text[64];
    struct tm parts;
    now_ms += between(20, level == 2 ? 9000 : 90000);
    time_t seconds = (time_t)(now_ms / 1000);
    gmtime_r(&seconds, &parts);
    size_t size = strftime(text, sizeof text, "%a %b %e %H:%M:%S", &parts);
    size += (size_t)g_snprintf(text + size, (gulong)(sizeof text - size), ":%03d %d\n", (int)(now_ms % 1000),
                               parts.tm_year + 1900);
    put(thread->prefix, thread->prefix_size);
    put(text, size);
    writer.until_stamp = between(20, 70);
}

static void put_line(struct thread *thread, int level)
{
    const char *line = thread->script + thread->at;
    const char *end = memchr(line, '\n', thread->used - thread->at);
    size_t size = (size_t)(end - line) + 1;

    if (writer.until_stamp > 0)
        writer.until_stamp--;
    else if (!thread->failing)
        put_stamp(thread, level);
    put(thread->prefix, thread->prefix_size);
    put(line, size);
    thread->at += size;
}

static gboolean is_silent(const struct thread *thread)
{
    return thread->at == thread->used;
}

enum calls { NO_CALLS, FIRST_CALL, ALL_CALLS };

/* What comes before a failure: of these two, that its session went well. */
static void say_calls(struct thread *thread, const struct kind *kind, enum calls calls)
{
    gboolean later = kind->write == write_forwarded || kind->write == write_read;

    if (calls == FIRST_CALL) {
        init_session(thread, kind->side);
        if (later)
            say_ok(thread, "SapSSLSessionStartNB");
    } else if (later && kind->side == SERVER) {
        start_server(thread);
    } else if (later) {
        start_client(thread);
    } else {
        begin_session(thread, kind->side);
        say_call(thread, "SapSSLSessionStartNB");
    }
}

static void fail(struct thread *thread, struct sample *sample, enum calls calls)
{
    next_connection(thread);
    if (calls != NO_CALLS)
        say_calls(thread, sample->kind, calls);
    sample->kind->write(thread, sample);
    if (calls == ALL_CALLS)
        end_session(thread);
    thread->failing = TRUE;
    thread->after_during = sample->kind->begins_with_during;
    sample->count++;
}

/* Each sample once before any comes again, in another order each time. */
static struct sample *next_sample(void)
{
    static unsigned order[SAMPLES], left;

    if (left == 0) {
        for (unsigned i = 0; i < SAMPLES; i++)
            order[i] = i;
        left = SAMPLES;
    }
    unsigned chosen = below(left);
    unsigned number = order[chosen];
    order[chosen] = order[--left];
    return &samples[number];
}

static void think(struct thread *thread, int level, gboolean dense)
{
    gboolean again = thread->failing;

    thread->at = thread->used = 0;
    thread->failing = FALSE;
    if (dense) {
        struct sample *sample = next_sample();
        gboolean plain = thread->after_during && sample->kind->begins_with_during && below(2);
        fail(thread, sample, plain ? NO_CALLS : FIRST_CALL);
    } else if (thread->due > 0) {
        fail(thread, next_sample(), level == 2 ? ALL_CALLS : again ? FIRST_CALL : NO_CALLS);
        thread->due--;
    } else if (level == 2) {
        busy_lines(thread);
    } else {
        sparse_lines(thread);
    }
}

/* A few lines of one thread, so that others come between those of a failure. */
static void speak(struct thread *thread, int level)
{
    for (unsigned lines = between(1, thread->failing ? 6 : 12); lines > 0 && !is_silent(thread); lines--)
        put_line(thread, level);
}

static void finish(int level)
{
    gboolean more = TRUE;

    while (more) {
        more = FALSE;
        for (size_t i = 0; i < THREADS; i++) {
            if (is_silent(&threads[i]) && threads[i].due > 0)
                think(&threads[i], level, FALSE);
            speak(&threads[i], level);
            more = more || !is_silent(&threads[i]) || threads[i].due > 0;
        }
    }
}

static void write_mixed(uint64_t size, unsigned failures)
{
    int level = 1;
    uint64_t stretch = size / 40;
    unsigned begun = 0;

    while (writer.written < size) {
        struct thread *thread = &threads[below(THREADS)];
        if (begun < failures && writer.written >= size / failures * begun + size / failures / 2)
            threads[begun++ % THREADS].due++;
        if (writer.written > stretch) {
            level = 3 - level;
            stretch += size / 60 + any() % (size / 20 + 1);
        }
        if (is_silent(thread))
            think(thread, level, FALSE);
        speak(thread, level);
    }
    for (; begun < failures; begun++)
        threads[begun % THREADS].due++;
    finish(level);
}

static void write_dense(uint64_t size, unsigned failures)
{
    unsigned begun = 0;

    while (writer.written < size && begun < failures) {
        struct thread *thread = &threads[below(THREADS)];
        if (is_silent(thread)) {
            think(thread, 2, TRUE);
            begun++;
        }
        speak(thread, 2);
    }
    finish(2);
}

/* Only ASCII, so that g_strescape() makes what JSON asks for. */
static void put_field(FILE *file, const char *name, const char *text)
{
    g_autofree char *escaped = text ? g_strescape(text, NULL) : NULL;
    if (escaped)
        fprintf(file, "\"%s\": \"%s\", ", name, escaped);
    else
        fprintf(file, "\"%s\": null, ", name);
}

static void write_answer(const char *path)
{
    FILE *file = fopen(path, "w");
    const char *before = "\n ";

    if (!file)
        die("%s: %s", path, g_strerror(errno));
    fputs("[", file);
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct sample *sample = &samples[i];
        const struct kind *kind = sample->kind;
        if (sample->count == 0)
            continue;
        fprintf(file, "%s{", before);
        put_field(file, "cause", kind->cause);
        put_field(file, "error", kind->error);
        if (kind->code)
            fprintf(file, "\"code\": %d, ", kind->code);
        else
            put_field(file, "code", NULL);
        put_field(file, "store", kind->shows & STORE ? sample->store : NULL);
        put_field(file, "target", kind->shows & TARGET ? sample->target : NULL);
        put_field(file, "missing", sample->missing);
        put_field(file, "certainty", sample->certainty);
        fprintf(file, "\"count\": %u}", sample->count);
        before = ",\n ";
    }
    fputs("\n]\n", file);
    if (fclose(file) != 0)
        die("%s: %s", path, g_strerror(errno));
}

int main(int argc, char **argv)
{
    gboolean dense = FALSE;
    gint64 size = 1 << 20;
    int failures = -1, number = 0;
    const GOptionEntry entries[] = {
        {"dense", 0, 0, G_OPTION_ARG_NONE, &dense, "nothing but failures", NULL},
        {"size", 0, 0, G_OPTION_ARG_INT64, &size, "about so many bytes (1 MiB)", "BYTES"},
        {"failures", 0, 0, G_OPTION_ARG_INT, &failures, "so many (200; with --dense at most)", "N"},
        {"seed", 0, 0, G_OPTION_ARG_INT, &number, "another trace for each number (0)", "N"},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new("TRACE ANSWER.json");
    g_autoptr(GError) error = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        die("%s", error->message);
    if (argc != 3 || size < 1)
        die("see make-trace --help");
    seed ^= (uint64_t)(unsigned)number << 17;
    for (unsigned i = 0; i < SAMPLES; i++)
        make_sample(&samples[i], i);
    for (unsigned i = 0; i < THREADS; i++)
        threads[i].prefix_size = (size_t)g_snprintf(threads[i].prefix, sizeof threads[i].prefix, "[Thr %" PRIu64 "] ",
                                                    139871234561792 + (i * 10 + between(1, 9)) * UINT64_C(8392704));
    writer.file = fopen(argv[1], "wb");
    if (!writer.file)
        die("%s: %s", argv[1], g_strerror(errno));
    put_header();
    if (dense)
        write_dense((uint64_t)size, failures < 0 ? G_MAXUINT : (unsigned)failures);
    else
        write_mixed((uint64_t)size, failures < 0 ? 200 : (unsigned)failures);
    flush_out();
    if (fclose(writer.file) != 0)
        die("%s: %s", argv[1], g_strerror(errno));
    write_answer(argv[2]);
    return 0;
}
