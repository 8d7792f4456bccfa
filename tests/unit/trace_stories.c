/* analyzer/trace_block: which lines of one thread are one story, where several failures follow each other. */
#include "traces.h"

#include <criterion/criterion.h>
#include <string.h>

#define THREAD(text)            "[Thr 1] " text "\n"
#define STAMP(time)             THREAD("Sun Nov 22 " time " 2026")
#define ERROR_OF(handle, error) THREAD("<<- ERROR: SapSSLSessionStart(sssl_hdl=" handle ")==" error)
#define ICM(code, error)                                                                                               \
    THREAD("*** ERROR => IcmConnInitClientSSL: SapSSLSessionStart failed (" code "): " error " [f 1]")
#define ENDED(handle, code, error) ERROR_OF(handle, error) ICM(code, error)
#define HEADLINE(host, error)      THREAD("*** ERROR => SSL handshake with " host ":443 failed: " error)
#define DURING                     THREAD("*** ERROR during SecuSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL")
#define PSE(name)                  THREAD("   session uses PSE file \"/sec/" name ".pse\"")
#define START                      THREAD("SecuSSL_SessionStart: SSL_connect() failed  (536872221/0x2000051d)")
#define ARROW                      THREAD("  => \"Failed to verify peer certificate. Peer not trusted.\"")
#define STACK(ca)                                                                                                      \
    THREAD(">> ---------- Begin of Secu-SSL Errorstack ---------- >>")                                                 \
    THREAD("Peer not trusted")                                                                                         \
    THREAD("Certificate:")                                                                                             \
    THREAD(" Subject :CN=leaf of " ca)                                                                                 \
    THREAD(" Issuer :CN=" ca) THREAD("<< ---------- End of Secu-SSL Errorstack ----------")
#define STATE         THREAD("  SSL_get_state() returned 0x00002131 \"SSLv3 read server certificate B\"")
#define PEER(address) THREAD("  SSL NI-sock: local=192.0.2.10:50313  peer=" address)

/* A whole one in the usual order. */
#define USUAL(pse, ca, peer, handle)                                                                                   \
    DURING PSE(pse)                                                                                                    \
    START STACK(ca)                                                                                                    \
    STATE PEER(peer) ENDED(handle, "-102", "SSSLERR_PEER_CERT_UNTRUSTED")
#define TOLD(pse, ca, peer)                                                                                            \
    "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /sec/" pse ".pse | - | " peer " | CN=" ca          \
    " | issuer | 1 | -"
#define THREE                                                                                                          \
    USUAL("A", "I1", "198.51.100.1:443", "a1")                                                                         \
    USUAL("C", "I2", "198.51.100.2:443", "a2") USUAL("X", "I3", "198.51.100.3:443", "a3")
#define TOLD_THREE                                                                                                     \
    TOLD("A", "I1", "198.51.100.1:443"), TOLD("C", "I2", "198.51.100.2:443"), TOLD("X", "I3", "198.51.100.3:443")

/* Turned round: the end first.  A server's, with an alert of the peer. */
#define TURNED_SERVER                                                                                                  \
    ERROR_OF("b1", "SSSLERR_SSL_ACCEPT")                                                                               \
    THREAD("*** ERROR => IcmConnInitServerSSL: SapSSLSessionStart returned (-56): SSSLERR_SSL_ACCEPT [f 1]")           \
    THREAD("SSL_get_state() returned 0x00001180 \"TLS read client certificate A\"")                                    \
    THREAD("*** ERROR during SecuSSL_SessionStart() from SSL_accept()==SSL_ERROR_SSL")                                 \
    PSE("SAPSSLS")                                                                                                     \
    THREAD("SecuSSL_SessionStart: SSL_accept() failed  (536875078/0x20001046)")                                        \
    THREAD("  => \"received a fatal TLS certificate unknown alert message from the peer\"")
#define TOLD_SERVER   "peer-refused | SSSLERR_SSL_ACCEPT | -56 | server | /sec/SAPSSLS.pse | - | - | - | unknown | 0 | -"
#define TURNED_CLIENT ENDED("b2", "-57", "SSSLERR_SSL_CONNECT") STATE DURING PSE("T") START ARROW
#define TOLD_CLIENT   "untrusted-peer | SSSLERR_SSL_CONNECT | -57 | client | /sec/T.pse | - | - | - | unknown | 0 | -"

#define TURNED_TREE(pse, ca, peer, handle)                                                                             \
    ENDED(handle, "-102", "SSSLERR_PEER_CERT_UNTRUSTED") STATE PEER(peer)                                              \
    DURING PSE(pse)                                                                                                    \
    START ARROW STACK(ca)

static const struct {
    const char *what, *text;
    const char *failures[6];
} stories[] = {
    {"turned round, with a stack; again; and in the usual order",
     TURNED_TREE("A", "I1", "198.51.100.1:443", "a1") TURNED_TREE("C", "I2", "198.51.100.2:443", "a2")
         USUAL("X", "I3", "198.51.100.3:443", "a3"),
     {TOLD_THREE}},
    {"... and then one that was closed, whose facts come first",
     TURNED_TREE("A", "I1", "198.51.100.1:443", "a1") THREAD("  Target Hostname=\"b.example.com\"")
         HEADLINE("b.example.com", "SSSLRC_CONN_CLOSED (-10)"),
     {TOLD("A", "I1", "198.51.100.1:443"),
      "closed | SSSLRC_CONN_CLOSED | -10 | client | - | b.example.com | - | - | unknown | 0 | -"}},
    {"a connection that was closed, hours before blocks in the usual order",
     STAMP("01:00:00") ENDED("c1", "-10", "SSSLERR_CONN_CLOSED") STAMP("05:00:00") THREE,
     {"closed | SSSLERR_CONN_CLOSED | -10 | client | - | - | - | - | unknown | 0 | -", TOLD_THREE}},
    {"the same at once",
     ENDED("c1", "-10", "SSSLERR_CONN_CLOSED") THREE,
     {"closed | SSSLERR_CONN_CLOSED | -10 | client | - | - | - | - | unknown | 0 | -", TOLD_THREE}},
    {"with facts before its end",
     STATE PEER("203.0.113.99:443") ENDED("c1", "-10", "SSSLERR_CONN_CLOSED") THREE,
     {"closed | SSSLERR_CONN_CLOSED | -10 | client | - | - | 203.0.113.99:443 | - | unknown | 0 | -", TOLD_THREE}},
    {"in the middle",
     USUAL("A", "I1", "198.51.100.1:443", "a1") ENDED("c1", "-75", "SSSLRC_NO_SSL_RESPONSE")
         USUAL("C", "I2", "198.51.100.2:443", "a2"),
     {TOLD("A", "I1", "198.51.100.1:443"),
      "not-tls | SSSLRC_NO_SSL_RESPONSE | -75 | client | - | - | - | - | unknown | 0 | -",
      TOLD("C", "I2", "198.51.100.2:443")}},
    {"the trace begins with the last line of a block",
     ICM("-102", "SSSLERR_PEER_CERT_UNTRUSTED") THREE,
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | - | - | - | - | unknown | 0 | -", TOLD_THREE}},
    {"... with the last four",
     STATE PEER("203.0.113.99:443") ENDED("c1", "-102", "SSSLERR_PEER_CERT_UNTRUSTED") THREE,
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | - | - | 203.0.113.99:443 | - | unknown | 0 | -",
      TOLD_THREE}},
    {"the level was raised: lines of level 1, then a whole block",
     ICM("-57", "SSSLERR_SSL_CONNECT") ICM("-57", "SSSLERR_SSL_CONNECT") USUAL("A", "I1", "198.51.100.1:443", "a1"),
     {"handshake | SSSLERR_SSL_CONNECT | -57 | client | - | - | - | - | unknown | 0 | -",
      "handshake | SSSLERR_SSL_CONNECT | -57 | client | - | - | - | - | unknown | 0 | -",
      TOLD("A", "I1", "198.51.100.1:443")}},
    {"blocks without a stack behind an end: their facts stand before their own end",
     ICM("-57", "SSSLERR_SSL_CONNECT") DURING PSE("A") START STATE PEER("198.51.100.1:443")
         ENDED("a1", "-57", "SSSLERR_SSL_CONNECT"),
     {"handshake | SSSLERR_SSL_CONNECT | -57 | client | - | - | - | - | unknown | 0 | -",
      "handshake | SSSLERR_SSL_CONNECT | -57 | client | /sec/A.pse | - | 198.51.100.1:443 | - | unknown | 0 | -"}},
    {"turned ones, one behind the other",
     TURNED_CLIENT TURNED_CLIENT TURNED_SERVER,
     {TOLD_CLIENT, TOLD_CLIENT, TOLD_SERVER}},
    {"a turned one, then a stack without \"during\"",
     TURNED_SERVER STACK("Root B") THREAD("  Target Hostname=\"b.example.com\"")
         ERROR_OF("b9", "SSSLERR_PEER_CERT_UNTRUSTED") HEADLINE("b.example.com", "SSSLERR_PEER_CERT_UNTRUSTED (-102)"),
     {TOLD_SERVER, "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | - | b.example.com | - | CN=Root B | "
                   "issuer | 1 | -"}},
    {"a turned one, then the names of the next connection",
     TURNED_CLIENT THREAD("  TLSextSNI server_name=\"h2.example.com\"") THREAD("  Target Hostname=\"h2.example.com\"")
         STATE HEADLINE("h2.example.com", "SSSLRC_CONN_CLOSED (-10)"),
     {TOLD_CLIENT, "closed | SSSLRC_CONN_CLOSED | -10 | client | - | h2.example.com | - | - | unknown | 0 | -"}},
    {"a failure while reading, and another connection long after it",
     STAMP("01:00:00") THREAD("*** ERROR during secussl_read() from SSL_read()==SSL_ERROR_SSL")
         THREAD("secussl_read: SSL_read() failed")
             THREAD("  => \"received a fatal TLS certificate unknown alert message from the peer\"") STAMP("09:00:00")
                 HEADLINE("b.example.com", "SSSLERR_PEER_CERT_UNTRUSTED (-102)"),
     {"peer-refused | - | 0 | unknown | - | - | - | - | unknown | 0 | -",
      "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | - | b.example.com | - | - | unknown | 0 | -"}},
    {"... and one at once, with its own error and facts",
     THREAD("*** ERROR during secussl_read() from SSL_read()==SSL_ERROR_SSL") THREAD("secussl_read: SSL_read() failed")
         ARROW THREAD("  Target Hostname=\"b.example.com\"") HEADLINE("b.example.com", "SSSLRC_CONN_CLOSED (-10)"),
     {"untrusted-peer | - | 0 | unknown | - | - | - | - | unknown | 0 | -",
      "closed | SSSLRC_CONN_CLOSED | -10 | client | - | b.example.com | - | - | unknown | 0 | -"}},
    {"... and its own end",
     THREAD("*** ERROR during secussl_read() from SSL_read()==SSL_ERROR_SSL") THREAD("secussl_read: SSL_read() failed")
         ARROW HEADLINE("b.example.com", "SSSLERR_SSL_READ (-58)"),
     {"untrusted-peer | SSSLERR_SSL_READ | -58 | client | - | b.example.com | - | - | unknown | 0 | -"}},
    {"a source line alone, and a headline much later",
     STAMP("01:00:00") THREAD("*** ERROR => SapSSLSessionStartNB(): incomplete SSL handshake, peer closed [f 1]")
         STAMP("09:00:00") HEADLINE("b.example.com", "SSSLERR_PEER_CERT_UNTRUSTED (-102)"),
     {"other | - | 0 | unknown | - | - | - | - | unknown | 0 | -",
      "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | - | b.example.com | - | - | unknown | 0 | -"}},
    {"facts between two headlines are of the second one",
     HEADLINE("a.example.com", "SSSLERR_PEER_CERT_UNTRUSTED (-102)") THREAD("  cli SSL session PSE \"/sec/A.pse\"")
         THREAD("  TLSextSNI server_name=\"b.example.com\"") THREAD("  Target Hostname=\"b.example.com\"")
             HEADLINE("b.example.com", "SSSLERR_PEER_CERT_UNTRUSTED (-102)"),
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | - | a.example.com | - | - | unknown | 0 | -",
      "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /sec/A.pse | b.example.com | - | - | unknown | 0 "
      "| -"}},
    {"... and behind the last one they are of that",
     HEADLINE("a.example.com", "SSSLERR_PEER_CERT_UNTRUSTED (-102)") THREAD("  cli SSL session PSE \"/sec/A.pse\""),
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /sec/A.pse | a.example.com | - | - | unknown | 0 "
      "| -"}},
    {"certificates behind a finished story are another's",
     HEADLINE("b.example.com", "SSSLERR_PEER_CERT_UNTRUSTED (-102)")
         THREAD("SapSSLSessionStartNB()==SSSLERR_PEER_CERT_UNTRUSTED") THREAD("->> SapSSLSessionStartNB(sssl_hdl=2)")
             THREAD("Subject: CN=other.example.com") THREAD("Issuer: CN=Other CA")
                 THREAD("<<- SapSSLSessionStartNB(sssl_hdl=2)==SAP_O_K"),
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | - | b.example.com | - | - | unknown | 0 | -"}},
    {"words in a dump, behind blanks, inside an open block",
     DURING PSE("A") START STACK("Root A")
         THREAD("7f3a2c001a00  000010  20497373 7565723a 20434e3d 4576696c | SignerCert: xxx|")
             THREAD("7f3a2c001a00  000020  20497373 7565723a 20434e3d 4576696c | Subject: CN=Evi|")
                 THREAD("7f3a2c001a00  000030  20497373 7565723a 20434e3d 4576696c | Issuer: CN=Evil|")
                     THREAD("7f3a2c001a00  000040  20535353  | *** ERROR => SSL handshake with evil:443 failed: "
                            "SSSLERR_PEER_CERT_UNTRUSTED (-102)|") ENDED("a1", "-102", "SSSLERR_PEER_CERT_UNTRUSTED"),
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /sec/A.pse | - | - | CN=Root A | issuer | 1 | "
      "-"}},
    {"a server asks for nobody",
     THREAD("*** ERROR during SecuSSL_SessionStart() from SSL_accept()==SSL_ERROR_SSL") PSE("SAPSSLS")
         THREAD("  cli SSL session PSE \"/sec/A.pse\"") THREAD("  Target Hostname=\"b.example.com\"")
             HEADLINE("b.example.com", "SSSLERR_PEER_CERT_UNTRUSTED (-102)"),
     {"other | - | 0 | server | /sec/SAPSSLS.pse | - | - | - | unknown | 0 | -",
      "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /sec/A.pse | b.example.com | - | - | unknown | 0 "
      "| -"}},
    {"a word that ends with its line",
     "[Thr 12] *** [Thr 2188] *** ERROR SSL\n[Thr 78] **SL\n" HEADLINE("a.example.com", "SSSLERR_CONN_CLOSED (-10)"),
     {"closed | SSSLERR_CONN_CLOSED | -10 | client | - | a.example.com | - | - | unknown | 0 | -"}},
};

Test(trace_stories, whose_lines)
{
    for (size_t i = 0; i < G_N_ELEMENTS(stories); i++) {
        g_autoptr(trace_auto) trace = traces_read_text(stories[i].text);
        traces_expect(stories[i].what, trace, stories[i].failures);
        traces_assert_sound(trace, strlen(stories[i].text));
    }
}

/* The same, however the bytes come. */
Test(trace_stories, in_pieces)
{
    for (size_t i = 0; i < G_N_ELEMENTS(stories); i++) {
        size_t size = strlen(stories[i].text);
        for (size_t split = 1; split < size; split += 7) {
            g_autoptr(trace_auto) trace = traces_read_parts(stories[i].text, size, split, split % 2 ? split : 0);
            traces_expect(stories[i].what, trace, stories[i].failures);
        }
    }
}

/* Lines taken back and read again have their own places. */
Test(trace_stories, places)
{
    static const char text[] = ICM("-57", "SSSLERR_SSL_CONNECT") USUAL("A", "I1", "198.51.100.1:443", "a1");
    g_autoptr(trace_auto) trace = traces_read_text(text);
    cr_assert_eq(trace->failures->len, 2);
    const struct trace_failure *first = trace->failures->pdata[0], *second = trace->failures->pdata[1];
    cr_expect_eq(first->line, 1);
    cr_expect_eq(second->line, 2);
    cr_expect_eq(second->offset, strlen(ICM("-57", "SSSLERR_SSL_CONNECT")));
}

/* Threads without number, each with an error: what stands above is looked for in time. */
Test(trace_stories, many_threads_with_little_each)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 20000; i++)
        g_string_append_printf(text, "[Thr %d] SSSLRC_X (-1)\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", i);
    g_autoptr(trace_auto) trace = traces_read_text(text->str);
    cr_expect_eq(trace->failures->len, 20000);
}
