/* analyzer/trace: each failed connection once, with its own PSE, host and peer, whatever other connections of the same
 * thread have left above it, and whatever follows it. */
#include "trace.h"

#include "traces.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <string.h>

#define THREAD(text)     "[Thr 1] " text "\n"
#define OTHER(text)      "[Thr 2] " text "\n"
#define STAMP(time)      THREAD("Sun Nov 22 " time " 2026")
#define PSE(name)        THREAD("   session uses PSE file \"/sec/" name ".pse\"")
#define CLIENT_PSE(name) THREAD("  cli SSL session PSE \"/sec/" name ".pse\"")
#define NI(handle, peer) THREAD("  SSL NI-hdl " handle ": local=192.0.2.1:4" handle "  peer=" peer ":443")
#define TARGET(host)     THREAD("  Target Hostname=\"" host "\"")
#define SNI(host)        THREAD("  TLSextSNI server_name=\"" host "\"")
#define STATE            THREAD("  SSL:SSL_get_state()==0x2131 \"TLS read server certificate B\"")
#define DURING           THREAD("*** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL")
#define READING          THREAD("*** ERROR during secussl_read() from SSL_read()==SSL_ERROR_SSL")
#define READ             THREAD("secussl_read: SSL_read() failed")
#define ARROW            THREAD("  => \"Failed to verify peer certificate. Peer not trusted.\"")
#define ALERT            THREAD("  => \"received a fatal TLS protocol version alert message from the peer\"")
#define STACK                                                                                                          \
    THREAD(">> ---------- Begin of Secu-SSL Errorstack ---------- >>")                                                 \
    THREAD("Peer not trusted")                                                                                         \
    THREAD("Certificate:")                                                                                             \
    THREAD(" Certificate:")                                                                                            \
    THREAD("  Subject: CN=leaf, C=DE")                                                                                 \
    THREAD("  Issuer: CN=CA, C=DE")                                                                                    \
    THREAD(" Verification result:")                                                                                    \
    THREAD("  Status: Not successful") THREAD("<< ---------- End of Secu-SSL Errorstack ----------")
#define API(handle, error)    THREAD("<<- ERROR: SapSSLSessionStartNB(sssl_hdl=" handle ")==SSSLERR_" error)
#define HEADLINE(host, error) THREAD("*** ERROR => SSL handshake with " host ":443 failed: SSSLERR_" error)
#define SENTENCE              THREAD("The peer's X.509 Certificate (chain) is untrusted")
#define RETURN(error)         THREAD("SapSSLSessionStartNB()==SSSLERR_" error)
#define UNTRUSTED             "PEER_CERT_UNTRUSTED"
#define UNTRUSTED_102         UNTRUSTED " (-102)"
#define WORDS                 THREAD("HttpParseRequestHeader: len=8696 hdl=17316 GET /sap/bc/ping HTTP/1.1")

#define OWN_BODY                                                                                                       \
    PSE("SAPSSLC")                                                                                                     \
    STACK TARGET("host.example.com") NI("463", "198.51.100.7") API("a1", UNTRUSTED)                                    \
        HEADLINE("host.example.com", UNTRUSTED_102) SENTENCE
#define OWN DURING OWN_BODY
#define TOLD_WITH(store, peer)                                                                                         \
    "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | " store " | host.example.com | " peer              \
    " | CN=CA, C=DE | issuer | 1 | -"
#define TOLD TOLD_WITH("/sec/SAPSSLC.pse", "198.51.100.7:443")

/* ---- What an earlier connection of the thread has left above ---- */

static const char *const lefts[] = {
    "",
    NI("9", "10.9.8.7"),
    CLIENT_PSE("SAPSSLA"),
    PSE("SAPSSLA"),
    TARGET("old.example.com"),
    SNI("old.example.com"),
    STATE,
    TARGET("old.example.com") NI("9", "10.9.8.7") CLIENT_PSE("SAPSSLA"),
    SNI("old.example.com") TARGET("old.example.com") STATE NI("9", "10.9.8.7") CLIENT_PSE("SAPSSLA"),
    THREAD("->> SapSSLSessionStartNB(sssl_hdl=77)") NI("9", "10.9.8.7") CLIENT_PSE("SAPSSLA")
        THREAD("<<- SapSSLSessionStartNB(sssl_hdl=77)==SAP_O_K"),
    THREAD("->> SapSSLSessionInit(&sssl_hdl=7ff)") THREAD("     in: args     = \"role=2 (SERVER), auth_type=0 (NO)\"")
        THREAD("<<- SapSSLSessionInit()==SAP_O_K") THREAD("  srv SSL session PSE \"/sec/SAPSSLS.pse\""),
    /* whole failures */
    DURING PSE("SAPSSLA") STACK TARGET("old.example.com") NI("9", "10.9.8.7") API("77", UNTRUSTED)
        HEADLINE("old.example.com", UNTRUSTED_102),
    HEADLINE("old.example.com", "SSL_CONNECT (-57)") THREAD("words") THREAD("") RETURN("SSL_CONNECT")
        NI("9", "10.9.8.7") CLIENT_PSE("SAPSSLA") SNI("old.example.com") TARGET("old.example.com"),
};

/* ... and what stands between that and the failure. */
static const char *const betweens[] = {
    "",
    WORDS,
    OTHER("words") OTHER("  SSL NI-hdl 5: local=192.0.2.1:45  peer=203.0.113.5:443"),
    STAMP("01:00:00") WORDS STAMP("01:01:00"),
    STAMP("01:00:00") STAMP("03:00:00"),
    WORDS WORDS WORDS NI("10", "10.9.8.6") WORDS,
    THREAD("NiIRead: hdl 9 received data (rcd=100,pac=1,RAW_IO)"),
};

static const struct {
    const char *what, *text, *told;
} owns[] = {
    {"the usual order", OWN, TOLD},
    {"without \"during\"", OWN_BODY, TOLD},
    {"without the peer",
     DURING PSE("SAPSSLC") STACK TARGET("host.example.com") API("a1", UNTRUSTED)
         HEADLINE("host.example.com", UNTRUSTED_102),
     TOLD_WITH("/sec/SAPSSLC.pse", "-")},
    {"with its facts twice",
     DURING PSE("SAPSSLC") STACK TARGET("host.example.com") CLIENT_PSE("SAPSSLC") NI("463", "198.51.100.7")
         API("a1", UNTRUSTED) HEADLINE("host.example.com", UNTRUSTED_102) SENTENCE THREAD("") RETURN(UNTRUSTED)
             NI("463", "198.51.100.7") CLIENT_PSE("SAPSSLC") THREAD("  ciphersuites = \"HIGH\"") SNI("host.example.com")
                 TARGET("host.example.com"),
     TOLD},
    {"with a fact of the next connection behind it", OWN NI("11", "203.0.113.99"), TOLD},
    {"with the next connection behind it",
     OWN SNI("new.example.com") TARGET("new.example.com") STATE NI("11", "203.0.113.99") CLIENT_PSE("SAPSSLA"), TOLD},
};

/* The last failure of the trace; of those before it there are as many as without it. */
static void check_last(const char *what, const char *above, const char *text, const char *told)
{
    g_autofree char *all = g_strconcat(above, text, NULL);
    g_autoptr(trace_auto) before = traces_read_text(above), trace = traces_read_text(all);
    g_autofree char *got = NULL;

    cr_assert_eq(trace->failures->len, before->failures->len + 1, "%s: %u failures\n%s", what, trace->failures->len,
                 all);
    got = traces_summary(trace->failures->pdata[trace->failures->len - 1]);
    cr_expect_str_eq(got, told, "%s: %s\n%s", what, got, all);
    if (before->failures->len > 0) {
        g_autofree char *one = traces_summary(before->failures->pdata[0]),
                        *other = traces_summary(trace->failures->pdata[0]);
        cr_expect_str_eq(other, one, "%s\n%s", what, all);
    }
}

/* Whether what is left may as well be its own: nothing contradicts it, and nothing stands between. */
static gboolean may_be_own(const char *left, const char *between)
{
    return (strstr(left, "NI-hdl 9") || strstr(left, "server_name")) && !strstr(left, "handshake with") &&
           !strstr(left, "Hostname") && !strstr(left, "cli SSL") && !strstr(between, "[Thr 1] ");
}

Test(trace_connections, own_facts_win)
{
    unsigned rows = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(lefts); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(betweens); j++) {
            for (size_t k = 0; k < G_N_ELEMENTS(owns); k++) {
                if (strcmp(owns[k].what, "without the peer") == 0 && may_be_own(lefts[i], betweens[j]))
                    continue;
                g_autofree char *above = g_strconcat(lefts[i], betweens[j], NULL);
                check_last(owns[k].what, above, owns[k].text, owns[k].told);
                rows++;
            }
        }
    }
    cr_expect_gt(rows, 500);
}

/* A thread that has other things to do for a minute, or for hours. */
Test(trace_connections, after_a_long_time)
{
    for (size_t i = 1; i < G_N_ELEMENTS(lefts); i++) {
        for (size_t lines = 1; lines < 400; lines = lines * 2 + 1) {
            g_autoptr(GString) above = g_string_new(STAMP("01:00:00"));
            g_string_append(above, lefts[i]);
            for (size_t n = 0; n < lines; n++)
                g_string_append(above, n % 10 ? WORDS : NI("12", "10.9.8.5"));
            if (i % 2)
                g_string_append(above, STAMP("03:00:00"));
            g_string_append(above, WORDS);
            check_last("usual", above->str, OWN, TOLD);
            check_last("without during", above->str, OWN_BODY, TOLD);
        }
    }
}

/* What stands above and is the connection's own still counts. */
static const struct {
    const char *what, *text, *told;
} own_aboves[] = {
    {"right above", TARGET("host.example.com") NI("463", "198.51.100.7") API("a1", UNTRUSTED),
     "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | 0 | unknown | - | host.example.com | 198.51.100.7:443 | - | "
     "unknown | 0 | -"},
    {"with a line of another thread, and a call, between",
     TARGET("host.example.com") NI("463", "198.51.100.7") OTHER("words") THREAD("->> SapSSLSessionStartNB(sssl_hdl=a1)")
         API("a1", UNTRUSTED),
     "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | 0 | unknown | - | host.example.com | 198.51.100.7:443 | - | "
     "unknown | 0 | -"},
    {"within a call that has not returned, with anything between",
     THREAD("->> SapSSLSessionStartNB(sssl_hdl=a1)") TARGET("host.example.com") PSE("SAPSSLC")
         WORDS WORDS API("a1", UNTRUSTED),
     "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | 0 | client | /sec/SAPSSLC.pse | host.example.com | - | - | "
     "unknown | 0 | -"},
    {"within a call of another session",
     THREAD("->> SapSSLSessionStartNB(sssl_hdl=77)") TARGET("host.example.com") CLIENT_PSE("SAPSSLC")
         WORDS API("a1", UNTRUSTED),
     "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | 0 | unknown | - | - | - | - | unknown | 0 | -"},
    {"by the session's handle, tried twice",
     THREAD("->> SapSSLSessionStartNB(sssl_hdl=00a1)") TARGET("host.example.com") PSE("SAPSSLC")
         THREAD("<<- SapSSLSessionStartNB(sssl_hdl=00a1)==SSSLRC_EWOULDBLOCK")
             WORDS THREAD("->> SapSSLSessionStartNB(sssl_hdl=00a1)") API("a1", UNTRUSTED),
     "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | 0 | client | /sec/SAPSSLC.pse | host.example.com | - | - | "
     "unknown | 0 | -"},
    {"by the network handle",
     PSE("SAPSSLC") NI("463", "198.51.100.7") WORDS NI("463", "198.51.100.7") API("a1", UNTRUSTED),
     "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | 0 | client | /sec/SAPSSLC.pse | - | 198.51.100.7:443 | - | "
     "unknown | 0 | -"},
    {"by another network handle",
     PSE("SAPSSLC") NI("464", "198.51.100.8") WORDS NI("463", "198.51.100.7") API("a1", UNTRUSTED),
     "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | 0 | unknown | - | - | 198.51.100.7:443 | - | unknown | 0 | -"},
};

Test(trace_connections, own_facts_above)
{
    for (size_t i = 0; i < G_N_ELEMENTS(own_aboves); i++)
        check_last(own_aboves[i].what, "", own_aboves[i].text, own_aboves[i].told);
}

/* ---- What follows a headline ---- */

#define LISTED(name, ni, peer, host)                                                                                   \
    THREAD("  SSL:SSL_get_state()==0x2120 \"TLS read server hello A\"")                                                \
    NI(ni, peer)                                                                                                       \
    CLIENT_PSE(name)                                                                                                   \
    THREAD("  ciphersuites = \"HIGH:MEDIUM\"")                                                                         \
    THREAD("  Client SSL_CTX 7f00a0001000 pvflags=896 (TLSv1.2)") SNI(host) TARGET(host)
#define CALL(error) THREAD("  SSL::SiConnect() failed  rc==SSSLERR_" error)
#define STORE_TOLD(code, error)                                                                                        \
    "store-unusable | SSSLERR_" error " | " code " | client | /sec/SAPSSLC.pse | a.example.com | 198.51.100.1:443 | "  \
    "- | unknown | 0 | -"
#define CRED "CRED_NOT_FOUND (-42)"

static const char *const messages[] = {
    HEADLINE("a.example.com", CRED) RETURN("CRED_NOT_FOUND") LISTED("SAPSSLC", "21", "198.51.100.1", "a.example.com"),
    HEADLINE("a.example.com", CRED) THREAD("words") THREAD("") RETURN("CRED_NOT_FOUND")
        LISTED("SAPSSLC", "21", "198.51.100.1", "a.example.com"),
    HEADLINE("a.example.com", CRED) THREAD("words") THREAD("") RETURN("CRED_NOT_FOUND") CALL("CRED_NOT_FOUND")
        LISTED("SAPSSLC", "21", "198.51.100.1", "a.example.com"),
    HEADLINE("a.example.com", CRED) THREAD("words") THREAD("") CLIENT_PSE("SAPSSLC") NI("21", "198.51.100.1"),
    API("b1", "CRED_NOT_FOUND") HEADLINE("a.example.com", CRED) RETURN("CRED_NOT_FOUND") NI("21", "198.51.100.1")
        CLIENT_PSE("SAPSSLC"),
    /* as the text of a message */
    THREAD("SSL handshake with a.example.com:443 failed: SSSLERR_" CRED) THREAD("words") THREAD("")
        RETURN("CRED_NOT_FOUND") LISTED("SAPSSLC", "21", "198.51.100.1", "a.example.com"),
    "SSL handshake with a.example.com:443 failed: SSSLERR_" CRED "\nwords\n\nSapSSLSessionStartNB()==SSSLERR_"
    "CRED_NOT_FOUND\n  SSL NI-hdl 21: local=192.0.2.1:421  peer=198.51.100.1:443\n"
    "  cli SSL session PSE \"/sec/SAPSSLC.pse\"\n  Target Hostname=\"a.example.com\"\n",
};

static const char *const nexts[] = {
    OWN,
    OWN_BODY,
    WORDS OWN,
    STAMP("01:00:00") WORDS STAMP("03:00:00") OWN,
    STAMP("01:00:00") WORDS WORDS WORDS WORDS WORDS WORDS WORDS WORDS WORDS WORDS WORDS WORDS STAMP("03:00:00") OWN,
};

Test(trace_connections, message_text_is_of_its_own_connection)
{
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++) {
        for (size_t j = 0; j <= G_N_ELEMENTS(nexts); j++) {
            const char *next = j > 0 ? nexts[j - 1] : "";
            g_autofree char *text = g_strconcat(messages[i], next, NULL);
            g_autoptr(trace_auto) trace = traces_read_text(text);
            const char *want[] = {STORE_TOLD("-42", "CRED_NOT_FOUND"), *next ? TOLD : NULL, NULL};
            g_autofree char *what = g_strdup_printf("message %zu, next %zu:\n%s", i, j, text);
            traces_expect(what, trace, want);
        }
    }
}

/* The next connection that fails has nothing but its headline: what the message listed is not its. */
Test(trace_connections, the_next_headline_has_no_facts_of_the_message)
{
    static const char *const headlines[] = {
        HEADLINE("b.example.com", "SSL_CONNECT (-57)"),
        HEADLINE("a.example.com", "SSL_CONNECT (-57)"),
        WORDS HEADLINE("b.example.com", "SSL_CONNECT (-57)"),
        API("b2", "SSL_CONNECT") HEADLINE("b.example.com", "SSL_CONNECT (-57)"),
        STAMP("01:00:00") STAMP("03:00:00") HEADLINE("b.example.com", "SSL_CONNECT (-57)"),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(headlines); j++) {
            if (strncmp(messages[i], "SSL", 3) == 0)
                continue;
            g_autofree char *text = g_strconcat(messages[i], headlines[j], NULL);
            g_autoptr(trace_auto) trace = traces_read_text(text);
            const char *want[] = {STORE_TOLD("-42", "CRED_NOT_FOUND"),
                                  strstr(headlines[j], "with a.")
                                      ? "handshake | SSSLERR_SSL_CONNECT | -57 | client | - | a.example.com | - | - | "
                                        "unknown | 0 | -"
                                      : "handshake | SSSLERR_SSL_CONNECT | -57 | client | - | b.example.com | - | - | "
                                        "unknown | 0 | -",
                                  NULL};
            g_autofree char *what = g_strdup_printf("message %zu, next %zu:\n%s", i, j, text);
            traces_expect(what, trace, want);
        }
    }
}

/* ---- Facts of the next connection right behind a message's text ---- */

#define FACTS(store, host, handle, peer) CLIENT_PSE(store) TARGET(host) NI(handle, peer)
#define REFUSED(store, host, peer)                                                                                     \
    "handshake | SSSLERR_SSL_CONNECT | -57 | client | " store " | " host " | " peer " | - | unknown | 0 | -"
#define FIRST_TOLD REFUSED("/sec/SAPSSLC.pse", "a.example.com", "192.0.2.10:443")

static const struct {
    const char *what, *facts; /* of the next connection */
    const char *told;         /* if that fails */
} followings[] = {
    {"the same PSE", FACTS("SAPSSLC", "b.example.com", "11", "192.0.2.11"),
     REFUSED("/sec/SAPSSLC.pse", "b.example.com", "192.0.2.11:443")},
    {"another PSE", FACTS("SAPSSLA", "b.example.com", "11", "192.0.2.11"),
     REFUSED("/sec/SAPSSLA.pse", "b.example.com", "192.0.2.11:443")},
    {"the host first", TARGET("b.example.com") CLIENT_PSE("SAPSSLC") NI("11", "192.0.2.11"),
     REFUSED("/sec/SAPSSLC.pse", "b.example.com", "192.0.2.11:443")},
    {"the address first", NI("11", "192.0.2.11") CLIENT_PSE("SAPSSLC") TARGET("b.example.com"),
     REFUSED("/sec/SAPSSLC.pse", "b.example.com", "192.0.2.11:443")},
    {"an equal address first", NI("11", "192.0.2.10") CLIENT_PSE("SAPSSLC") TARGET("b.example.com"),
     REFUSED("/sec/SAPSSLC.pse", "b.example.com", "192.0.2.10:443")},
    {"the same host with another PSE", FACTS("SAPSSLA", "a.example.com", "11", "192.0.2.10"),
     REFUSED("/sec/SAPSSLA.pse", "a.example.com", "192.0.2.10:443")},
    {"the same host at another address", FACTS("SAPSSLC", "a.example.com", "11", "192.0.2.11"),
     REFUSED("/sec/SAPSSLC.pse", "a.example.com", "192.0.2.11:443")},
    {"the same in everything", FACTS("SAPSSLC", "a.example.com", "11", "192.0.2.10"), FIRST_TOLD},
};

static const char *const own_lists[] = {
    "", /* nothing is listed, or all facts that are known, in either order, with one that was not */
    NI("10", "192.0.2.10") CLIENT_PSE("SAPSSLC") TARGET("a.example.com"),
    FACTS("SAPSSLC", "a.example.com", "10", "192.0.2.10"),
    NI("10", "192.0.2.10") CLIENT_PSE("SAPSSLC") SNI("a.example.com") TARGET("a.example.com"),
};

Test(trace_connections, facts_behind_a_message_may_be_of_the_next_connection)
{
    static const char *const ends[] = {
        "", /* it goes well, or nothing more is known of it */
        THREAD("<<- SapSSLSessionStartNB(sssl_hdl=b2)==SAP_O_K"),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(followings) * G_N_ELEMENTS(own_lists); i++) {
        const char *list = own_lists[i / G_N_ELEMENTS(followings)],
                   *facts = followings[i % G_N_ELEMENTS(followings)].facts;
        const char *told = followings[i % G_N_ELEMENTS(followings)].told;
        g_autofree char *first =
            g_strconcat(FACTS("SAPSSLC", "a.example.com", "10", "192.0.2.10") API("a1", "SSL_CONNECT")
                            HEADLINE("a.example.com", "SSL_CONNECT (-57)") THREAD("") RETURN("SSL_CONNECT"),
                        list, facts, NULL);

        for (size_t end = 0; end <= G_N_ELEMENTS(ends); end++) {
            gboolean fails = end == G_N_ELEMENTS(ends);
            g_autofree char *headline =
                g_strdup_printf("[Thr 1] <<- ERROR: SapSSLSessionStartNB(sssl_hdl=b2)==SSSLERR_SSL_CONNECT\n"
                                "[Thr 1] *** ERROR => SSL handshake with %s.example.com:443 failed: "
                                "SSSLERR_SSL_CONNECT (-57)\n",
                                strstr(told, "b.example.com") ? "b" : "a");
            g_autofree char *text = g_strconcat(first, fails ? headline : ends[end], NULL);
            g_autofree char *what =
                g_strdup_printf("%s, list %zu, end %zu:\n%s", followings[i % G_N_ELEMENTS(followings)].what,
                                i / G_N_ELEMENTS(followings), end, text);
            g_autoptr(trace_auto) trace = traces_read_text(text);
            const char *want[] = {FIRST_TOLD, fails ? told : NULL, NULL};
            traces_expect(what, trace, want);
        }
    }
}

/* ---- What begins while data is read ---- */

Test(trace_connections, read_errors_keep_their_own_end)
{
    static const char *const ends[] = {
        API("a1", "SSL_READ"),
        API("a1", UNTRUSTED),
        API("a1", "SSL_CONNECT"),
        API("a1", "SSL_READ") HEADLINE("host.example.com", "SSL_READ (-58)"),
        API("a1", UNTRUSTED) HEADLINE("host.example.com", UNTRUSTED_102),
        HEADLINE("host.example.com", UNTRUSTED_102),
        HEADLINE("host.example.com", "SSL_READ (-58)"),
        HEADLINE("host.example.com", UNTRUSTED_102) SENTENCE THREAD("") RETURN(UNTRUSTED),
        THREAD(
            "*** ERROR => IcmConnInitClientSSL: SapSSLSessionStart failed (-102): SSSLERR_PEER_CERT_UNTRUSTED [f 1]"),
    };
    static const char *const facts[] = {
        "",
        PSE("SAPSSLC"),
        TARGET("host.example.com") NI("463", "198.51.100.7"),
        PSE("SAPSSLC") TARGET("host.example.com") NI("463", "198.51.100.7"),
    };
    static const char *const begins[] = {READING READ ARROW, READ ARROW, READING READ ARROW STACK,
                                         THREAD("SAPCRYPTO: SSL_read() failed (536872221/0x2000051d)") ARROW};

    for (size_t n = 0; n < G_N_ELEMENTS(ends) * G_N_ELEMENTS(facts) * G_N_ELEMENTS(begins) * 2; n++) {
        const char *end = ends[n / 2 % G_N_ELEMENTS(ends)];
        const char *fact = facts[n / 2 / G_N_ELEMENTS(ends) % G_N_ELEMENTS(facts)];
        const char *begin = begins[n / 2 / G_N_ELEMENTS(ends) / G_N_ELEMENTS(facts)];
        g_autofree char *text = g_strconcat(begin, fact, end, n % 2 ? OWN : "", NULL);
        g_autoptr(trace_auto) trace = traces_read_text(text);
        cr_assert_eq(trace->failures->len, 1 + n % 2, "%u failures\n%s", trace->failures->len, text);
        const struct trace_failure *failure = trace->failures->pdata[0];
        cr_expect_eq(failure->cause, CAUSE_UNTRUSTED_PEER, "%s", text);
        cr_expect_eq(failure->store != NULL, strstr(fact, "PSE") != NULL, "%s", text);
        cr_expect_eq(failure->peer != NULL, strstr(fact, "peer") != NULL, "%s", text);
        cr_expect(failure->error && strstr(end, failure->error), "%s: %s", failure->error, text);
        cr_expect_eq(failure->code != 0, strstr(end, "(-") != NULL, "%d: %s", failure->code, text);
        cr_expect_eq(failure->chain->len, strstr(begin, "Subject") ? 1 : 0);
        cr_expect_not(failure->torn_end, "%s", text);
        if (n % 2) {
            g_autofree char *got = traces_summary(trace->failures->pdata[1]);
            cr_expect_str_eq(got, TOLD, "%s\n%s", got, text);
        }
    }
}

/* What is read cannot end as another handshake's error that has another reason. */
Test(trace_connections, read_errors_and_other_connections)
{
    g_autoptr(trace_auto) trace = traces_read_text(READING READ ALERT API("a2", UNTRUSTED));
    cr_assert_eq(trace->failures->len, 2);
    cr_expect_eq(((struct trace_failure *)trace->failures->pdata[0])->cause, CAUSE_HANDSHAKE);
    cr_expect_eq(((struct trace_failure *)trace->failures->pdata[1])->cause, CAUSE_UNTRUSTED_PEER);
}

/* ---- Words outrank a number inside a library's code ---- */

Test(trace_connections, plain_sentences_outrank_inferred_numbers)
{
    static const char *const codes[] = {"(536875078/0x20001046)", "(536875080/0x20001048)", "(536875072/0x20001040)"};
    static const struct {
        const char *what, *before, *after;
        enum audit_cause causes[3]; /* for each of the codes */
    } rows[] = {
        {"nothing else",
         "",
         HEADLINE("a", "SSL_CONNECT (-57)"),
         {CAUSE_PEER_REFUSED, CAUSE_PEER_REFUSED, CAUSE_HANDSHAKE}},
        {"-102", "", HEADLINE("a", UNTRUSTED_102), {CAUSE_UNTRUSTED_PEER, CAUSE_UNTRUSTED_PEER, CAUSE_UNTRUSTED_PEER}},
        {"-102 without a name",
         "",
         THREAD("*** ERROR => IcmConnInitClientSSL: SapSSLSessionStart failed (-102): "),
         {CAUSE_UNTRUSTED_PEER, CAUSE_UNTRUSTED_PEER, CAUSE_UNTRUSTED_PEER}},
        {"a sentence",
         ARROW,
         HEADLINE("a", "SSL_CONNECT (-57)"),
         {CAUSE_UNTRUSTED_PEER, CAUSE_UNTRUSTED_PEER, CAUSE_UNTRUSTED_PEER}},
        {"a tree without a sentence",
         THREAD(">> -- Begin of Secu-SSL Errorstack -- >>") THREAD("Certificate:") THREAD("Subject: CN=a, C=DE") THREAD(
             "Issuer: CN=b, C=DE") THREAD("Status: Not successful") THREAD("<< -- End of Secu-SSL Errorstack --"),
         HEADLINE("a", "SSL_CONNECT (-57)"),
         {CAUSE_UNTRUSTED_PEER, CAUSE_UNTRUSTED_PEER, CAUSE_UNTRUSTED_PEER}},
        {"a tree that is successful",
         THREAD(">> -- Begin of Secu-SSL Errorstack -- >>") THREAD("Certificate:") THREAD("Subject: CN=a, C=DE")
             THREAD("Issuer: CN=b, C=DE") THREAD("Status: Successful") THREAD("<< -- End of Secu-SSL Errorstack --"),
         HEADLINE("a", "SSL_CONNECT (-57)"),
         {CAUSE_PEER_REFUSED, CAUSE_PEER_REFUSED, CAUSE_HANDSHAKE}},
        {"an alert's sentence that says something else",
         ALERT,
         HEADLINE("a", "SSL_CONNECT (-57)"),
         {CAUSE_HANDSHAKE, CAUSE_HANDSHAKE, CAUSE_HANDSHAKE}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(codes); j++) {
            g_autofree char *text = g_strdup_printf("%s[Thr 1] SecuSSL_SessionStartNB: SSL_connect() failed  %s\n%s%s",
                                                    DURING, codes[j], rows[i].before, rows[i].after);
            g_autoptr(trace_auto) trace = traces_read_text(text);
            cr_assert_eq(trace->failures->len, 1, "%s", rows[i].what);
            const struct trace_failure *failure = trace->failures->pdata[0];
            cr_expect_eq(failure->cause, rows[i].causes[j], "%s, %s: %s", rows[i].what, codes[j],
                         audit_cause_name(failure->cause));
        }
    }
}

/* ---- As many as were made ---- */

#define WRITERS 6

struct writer { /* a thread: lines that it has still to say */
    GQueue lines;
    unsigned number;
    gboolean failing; /* they tell of a failure */
};

struct maker {
    GRand *rand;
    struct writer writers[WRITERS];
    struct writer *now;
    GPtrArray *made; /* of summaries */
    unsigned n;
    unsigned minutes;
};

static unsigned pick(struct maker *maker, unsigned n)
{
    return (unsigned)g_rand_int_range(maker->rand, 0, (int)n);
}

static void G_GNUC_PRINTF(2, 3) say(struct maker *maker, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_queue_push_tail(&maker->now->lines, g_strdup_vprintf(format, args));
    va_end(args);
}

static void say_ni(struct maker *maker, unsigned n)
{
    say(maker, "  SSL NI-hdl %u: local=192.0.2.1:%u  peer=198.51.100.%u:443", n % 4000, 30000 + n % 9999, n % 250);
}

/* A connection that went well, in a trace that shows some of it, and other things. */
static void make_noise(struct maker *maker)
{
    unsigned n = ++maker->n;

    for (unsigned i = pick(maker, 4); i > 0; i--) {
        switch (pick(maker, 5)) {
        case 0:
            say_ni(maker, n + 5000);
            break;
        case 1:
            say(maker, "  cli SSL session PSE \"/sec/OLD%u.pse\"", n % 7);
            break;
        case 2:
            say(maker, "  Target Hostname=\"old%u.example.com\"", n);
            break;
        case 3:
            say(maker, "  TLSextSNI server_name=\"old%u.example.com\"", n);
            break;
        default:
            say(maker, "  SSL:SSL_get_state()==0x2131 \"TLS read server certificate B\"");
        }
    }
    for (unsigned i = 1 + pick(maker, 12); i > 0; i--)
        say(maker, "HttpParseRequestHeader: len=%u hdl=%u GET /sap/bc/ping HTTP/1.1", pick(maker, 9000), n);
}

static void made(struct maker *maker, const char *format, unsigned n, gboolean store, gboolean peer)
{
    g_autofree char *path = store ? g_strdup_printf("/sec/S%u.pse", n % 5) : g_strdup("-");
    g_autofree char *address = peer ? g_strdup_printf("198.51.100.%u:443", n % 250) : g_strdup("-");
    g_autofree char *facts = g_strdup_printf("%s | h%u.example.com | %s", path, n, address);
    g_auto(GStrv) parts = g_strsplit(format, "$", 2);
    g_ptr_array_add(maker->made, g_strconcat(parts[0], facts, parts[1], NULL));
}

static void say_list(struct maker *maker, unsigned n, gboolean call, const char *error)
{
    if (call)
        say(maker, "  SSL::SiConnect() failed  rc==%s", error);
    say(maker, "  SSL:SSL_get_state()==0x2120 \"TLS read server hello A\"");
    say_ni(maker, n);
    say(maker, "  cli SSL session PSE \"/sec/S%u.pse\"", n % 5);
    say(maker, "  ciphersuites = \"HIGH\"");
    say(maker, "  TLSextSNI server_name=\"h%u.example.com\"", n);
    say(maker, "  Target Hostname=\"h%u.example.com\"", n);
}

static void make_tree(struct maker *maker)
{
    unsigned n = ++maker->n, kind = pick(maker, 8);

    if (kind & 1)
        say(maker, "*** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL");
    say(maker, "   session uses PSE file \"/sec/S%u.pse\"", n % 5);
    if (kind & 2)
        say(maker, "SecuSSL_SessionStartNB: SSL_connect() failed  (536872221/0x2000051d)");
    say(maker, ">> ---------- Begin of Secu-SSL Errorstack ---------- >>");
    say(maker, "Peer not trusted");
    say(maker, "Certificate:");
    say(maker, "  Subject: CN=h%u.example.com", n);
    say(maker, "  Issuer: CN=CA");
    say(maker, "<< ---------- End of Secu-SSL Errorstack ----------");
    say(maker, "  Target Hostname=\"h%u.example.com\"", n);
    say_ni(maker, n);
    say(maker, "<<- ERROR: SapSSLSessionStartNB(sssl_hdl=%x)==SSSLERR_PEER_CERT_UNTRUSTED", n);
    say(maker, "*** ERROR => SSL handshake with h%u.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)", n);
    if (kind & 4) {
        say(maker, "The peer's X.509 Certificate (chain) is untrusted");
        say(maker, "%s", "");
        say(maker, "SapSSLSessionStartNB()==SSSLERR_PEER_CERT_UNTRUSTED");
        if (pick(maker, 2))
            say_list(maker, n, pick(maker, 2), "SSSLERR_PEER_CERT_UNTRUSTED");
    }
    made(maker, "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | $ | CN=CA | issuer | 1 | -", n, TRUE,
         TRUE);
}

static void make_message(struct maker *maker)
{
    unsigned n = ++maker->n;

    say(maker, "*** ERROR => SSL handshake with h%u.example.com:443 failed: SSSLRC_CONN_CLOSED (-10)", n);
    say(maker, "The peer has closed the connection");
    say(maker, "%s", "");
    say(maker, "SapSSLSessionStartNB()==SSSLRC_CONN_CLOSED");
    say_list(maker, n, pick(maker, 2), "SSSLRC_CONN_CLOSED");
    made(maker, "closed | SSSLRC_CONN_CLOSED | -10 | client | $ | - | unknown | 0 | -", n, TRUE, TRUE);
}

static void make_facts_first(struct maker *maker)
{
    unsigned n = ++maker->n;

    say(maker, "  Target Hostname=\"h%u.example.com\"", n);
    say_ni(maker, n);
    say(maker, "<<- ERROR: SapSSLSessionStartNB(sssl_hdl=%x)==SSSLERR_PEER_CERT_EXPIRED", n);
    say(maker, "*** ERROR => SSL handshake with h%u.example.com:443 failed: SSSLERR_PEER_CERT_EXPIRED", n);
    made(maker, "expired-peer | SSSLERR_PEER_CERT_EXPIRED | 0 | client | $ | - | unknown | 0 | -", n, FALSE, TRUE);
}

static void make_read(struct maker *maker)
{
    unsigned n = ++maker->n;

    say(maker, "*** ERROR during secussl_read() from SSL_read()==SSL_ERROR_SSL");
    say(maker, "   session uses PSE file \"/sec/S%u.pse\"", n % 5);
    say(maker, "secussl_read: SSL_read() failed");
    say(maker, "  => \"Failed to verify peer certificate. Peer not trusted.\"");
    if (pick(maker, 2))
        say(maker, "<<- ERROR: SapSSLSessionStartNB(sssl_hdl=%x)==SSSLERR_PEER_CERT_UNTRUSTED", n);
    say(maker, "*** ERROR => SSL handshake with h%u.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)", n);
    made(maker, "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | $ | - | unknown | 0 | -", n, TRUE,
         FALSE);
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *sorted(GPtrArray *texts)
{
    qsort(texts->pdata, texts->len, sizeof texts->pdata[0], compare_strings);
    g_ptr_array_add(texts, NULL);
    return g_strjoinv("\n", (char **)texts->pdata);
}

static gboolean is_failing(const struct maker *maker)
{
    for (size_t i = 0; i < WRITERS; i++)
        if (maker->writers[i].failing && !g_queue_is_empty((GQueue *)&maker->writers[i].lines))
            return TRUE;
    return FALSE;
}

/* ${quiet}: between two failures of a thread it always has something else to say. */
static GString *make_trace(struct maker *maker, unsigned failures, gboolean quiet)
{
    static void (*const makers[])(struct maker *) = {make_tree, make_tree, make_message, make_facts_first, make_read};
    GString *text = g_string_new(NULL);
    gboolean more = TRUE;

    while (more) {
        struct writer *writer = maker->now = &maker->writers[pick(maker, WRITERS)];
        if (g_queue_is_empty(&writer->lines)) {
            if (failures > 0 && pick(maker, 3) == 0) {
                if (quiet)
                    make_noise(maker);
                makers[pick(maker, G_N_ELEMENTS(makers))](maker);
                writer->failing = TRUE;
                failures--;
            } else {
                writer->failing = FALSE;
                make_noise(maker);
            }
        }
        for (unsigned lines = 1 + pick(maker, 6); lines > 0 && !g_queue_is_empty(&writer->lines); lines--) {
            g_autofree char *line = g_queue_pop_head(&writer->lines);
            g_string_append_printf(text, "[Thr %u] %s\n", writer->number, line);
        }
        if (pick(maker, 40) == 0) {
            maker->minutes += is_failing(maker) ? pick(maker, 2) : pick(maker, 200); /* a failure is told at once */
            g_string_append_printf(text, "[Thr %u] Sun Nov %u %02u:%02u:00 2026\n", writer->number,
                                   1 + maker->minutes / 1440 % 28, maker->minutes / 60 % 24, maker->minutes % 60);
        }
        more = failures > 0;
        for (size_t i = 0; i < WRITERS; i++)
            more = more || !g_queue_is_empty(&maker->writers[i].lines);
    }
    return text;
}

Test(trace_connections, as_many_are_told_as_were_made)
{
    for (guint32 seed = 1; seed <= 30; seed++) {
        struct maker maker = {.rand = g_rand_new_with_seed(seed), .made = g_ptr_array_new_with_free_func(g_free)};
        for (unsigned i = 0; i < WRITERS; i++)
            maker.writers[i].number = 100 + i;
        GString *text = make_trace(&maker, 200, seed % 2);
        g_autoptr(trace_auto) trace = traces_read_bytes(text->str, text->len);
        g_autoptr(GPtrArray) told = g_ptr_array_new_with_free_func(g_free);
        for (guint i = 0; i < trace->failures->len; i++)
            g_ptr_array_add(told, traces_summary(trace->failures->pdata[i]));
        cr_expect_eq(told->len, maker.made->len, "seed %u: %u of %u", seed, told->len, maker.made->len);
        g_autofree char *got = sorted(told), *want = sorted(maker.made);
        cr_expect_str_eq(got, want, "seed %u", seed);
        g_rand_free(maker.rand);
        g_ptr_array_unref(maker.made);
        g_string_free(text, TRUE);
    }
}

/* ---- What nobody writes, but copies have ---- */

static void mutate(struct maker *maker, GPtrArray *lines)
{
    guint at = pick(maker, lines->len), other = pick(maker, lines->len);
    char *line = lines->pdata[at];

    switch (pick(maker, 7)) {
    case 0:
        g_ptr_array_remove_index(lines, at);
        break;
    case 1:
        g_ptr_array_insert(lines, (int)other, g_strdup(line));
        break;
    case 2: /* joined with the next */
        if (at + 1 < lines->len) {
            lines->pdata[at] = g_strconcat(line, pick(maker, 2) ? " " : "#", lines->pdata[at + 1], NULL);
            g_free(line);
            g_ptr_array_remove_index(lines, at + 1);
        }
        break;
    case 3: /* of another thread */
        if (strlen(line) > 8)
            line[7] = (char)('0' + pick(maker, WRITERS));
        break;
    case 4: /* without prefix */
        lines->pdata[at] = g_strdup(line + strcspn(line, "]"));
        g_free(line);
        break;
    case 5:
        line[pick(maker, (unsigned)strlen(line) + 1)] = '\0';
        break;
    default:
        lines->pdata[at] = lines->pdata[other];
        lines->pdata[other] = line;
    }
}

static char *read_steps(const char *bytes, size_t size, size_t step)
{
    g_autoptr(trace_auto) trace = trace_new();
    trace_begin(trace, 0);
    for (size_t at = 0; at < size; at += MIN(step, size - at))
        trace_read(trace, bytes + at, MIN(step, size - at));
    traces_end(trace);
    return traces_describe(trace);
}

Test(trace_connections, damaged_ones_are_the_same_in_pieces)
{
    unsigned found = 0;

    for (guint32 seed = 1; seed <= 60; seed++) {
        struct maker maker = {.rand = g_rand_new_with_seed(seed), .made = g_ptr_array_new_with_free_func(g_free)};
        for (unsigned i = 0; i < WRITERS; i++)
            maker.writers[i].number = 100 + i;
        g_autoptr(GString) text = make_trace(&maker, 30, seed % 2);
        g_auto(GStrv) split = g_strsplit(text->str, "\n", -1);
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
        for (char **line = split; *line; line++)
            g_ptr_array_add(lines, g_strdup(*line));
        for (unsigned n = 0; n < lines->len / 4; n++)
            mutate(&maker, lines);
        g_ptr_array_add(lines, NULL);
        g_autofree char *bytes = g_strjoinv("\n", (char **)lines->pdata);
        size_t size = strlen(bytes);
        g_autoptr(trace_auto) trace = traces_read_bytes(bytes, size);
        traces_assert_sound(trace, size);
        g_autofree char *want = traces_describe(trace), *got = read_steps(bytes, size, 61),
                        *single = read_steps(bytes, size, 1);
        cr_assert_str_eq(got, want, "seed %u", seed);
        cr_assert_str_eq(single, want, "seed %u", seed);
        found += trace->failures->len;
        g_rand_free(maker.rand);
        g_ptr_array_unref(maker.made);
    }
    cr_expect_gt(found, 1000);
}
