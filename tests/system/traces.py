"""
ICM traces for test landscapes, made after the grammar in docs/formats/trace.md: every text here is invented, addresses
are those of RFC 5737.  A Trace gathers lines; times are given in the host's local time.
"""

import datetime

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RULE = "-" * 51


class Trace:
    """One trace file.  The peers' addresses and the handles are counted up, so that no two connections share one."""

    def __init__(self, name="dev_icm", level=1, release="785", sid="PRD", sysno="00", host="host1", pid=4711):
        self.name = name
        self.release = release
        self.lines = [
            _RULE, 'trc file: "%s", trc level: %d, release: "%s"' % (name, level, release), _RULE,
            "sysno      " + sysno, "sid        " + sid, "systemid   390 (AMD/Intel x86_64 with Linux)",
            "relno      %s0" % release, "patchlevel 0", "patchno    215", "intno      20200100",
            "make       multithreaded, Unicode, 64 bit, optimized",
            "profile    /usr/sap/%s/SYS/profile/%s_D%s_%s" % (sid, sid, sysno, host), "pid        %d" % pid, "",
        ]
        self.thread = 139871234561792
        self.handle = 0x7f0e30000c70
        self.port = 50100
        self.last_stamp = None

    def bytes(self):
        return ("\n".join(self.lines) + "\n").encode("utf-8")

    def say(self, *lines):
        self.lines += ["[Thr %d] %s" % (self.thread, line) for line in lines]

    def at(self, when):
        """Following lines were written at this local time."""
        if when and when != self.last_stamp:
            milliseconds = ":%03d" % (when.microsecond // 1000) if int(self.release) > 749 else ""
            self.say("%s %s %2d %s%s %d" % (_DAYS[when.weekday()], _MONTHS[when.month - 1], when.day,
                                            when.strftime("%H:%M:%S"), milliseconds, when.year))
            self.last_stamp = when

    def next_connection(self):
        self.thread += 256
        self.handle += 0x240
        self.port += 7

    # What can go wrong, one method each.  store is the PSE path, target and port the peer, peer its address.

    def untrusted(self, when, store, chain, target, peer="198.51.100.7", port=443, server=False):
        """A certificate tree: chain (of pki.Cert, leaf first) as far as the peer sent it."""
        self.next_connection()
        self.at(when)
        call, lead = ("SSL_accept", "SSL_accept") if server else ("SSL_connect", "SSL_connect")
        self.say("*** ERROR during SecuSSL_SessionStartNB() from %s()==SSL_ERROR_SSL" % call,
                 '   session uses PSE file "%s"' % store,
                 "SecuSSL_SessionStartNB: %s() failed  (536872221/0x2000051d)" % lead,
                 '  => "Failed to verify peer certificate. Peer not trusted."',
                 ">> ---------- Begin of Secu-SSL Errorstack ---------- >>", "Peer not trusted")
        self.say(*_tree(chain, 0))
        self.say("<< ---------- End of Secu-SSL Errorstack ----------")
        if not server:
            self.say('  Target Hostname="%s"' % target)
        self._end(target, peer, port, "SSSLERR_PEER_CERT_UNTRUSTED", -102,
                  "The peer's X.509 Certificate (chain) is untrusted")

    def untrusted_flat(self, when, store, leaf, peer="198.51.100.8", port=443):
        """The older block with the leaf alone, its dates and fingerprints."""
        self.next_connection()
        self.at(when)
        self.say("*** ERROR during SecudeSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL",
                 '      session uses PSE file "%s"' % store, "SecudeSSL_SessionStart: SSL_connect() failed --",
                 '   secude_error 536872221 (0x2000051d) = "SSL API error"',
                 ">> ---------- Begin of Secude-SSL Errorstack ---------- >>",
                 "0x2000051d | SAPCRYPTOLIB | SSL_connect", "SSL API error",
                 "0xa0600203 | SSL | ssl_verify_peer_certificates", "Peer not trusted", "Certificate:",
                 "  Certificate:", "      Subject :" + leaf.subject, "      Issuer :" + leaf.issuer.subject,
                 "      Serial number:0x" + leaf.serial.replace(":", ""),
                 "      Fingerprint_SHA1:" + _groups(leaf), "   Verification result:", "      Status :Not successful",
                 "      Profile :", "      DirectlyTrusted:Not successful", "",
                 "<< ---------- End of Secude-SSL Errorstack ----------",
                 '  SSL_get_state() returned 0x00002131 "SSLv3 read server certificate B"',
                 "  SSL NI-sock: local=192.0.2.10:%d  peer=%s:%d" % (self.port, peer, port),
                 "<<- ERROR: SapSSLSessionStart(sssl_hdl=%x)==SSSLERR_PEER_CERT_UNTRUSTED" % self.handle,
                 "*** ERROR => IcmConnInitClientSSL: SapSSLSessionStart failed (-102): SSSLERR_PEER_CERT_UNTRUSTED"
                 " {0000000a} [icxxconn_mt.c 2000]")

    def untrusted_old(self, when, store, name, peer="198.51.100.7", port=443, width=52):
        """The oldest block: no chain, the name of the missing certificate cut off at a fixed width."""
        self.next_connection()
        self.at(when)
        quoted = '"' + name + '"' if len(name) < width else '"' + name[:width]
        self.say("*** ERROR during SecudeSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL",
                 '   session uses PSE file "%s"' % store, "SecudeSSL_SessionStart: SSL_connect() failed",
                 '  secude_error 9 (0x00000009) = "verification of the server\'s certificate chain failed"',
                 ">> ---------- Begin of Secude-SSL Errorstack ---------- >>",
                 "ERROR in ssl3_get_server_certificate: (9/0x0009) verification of the server's certificate chain failed",
                 "ERROR in af_verify_Certificates: (24/0x0018) chain of certificates is incomplete : " + quoted,
                 "ERROR in get_path: (24/0x0018) no path, chain of certificates is incomplete",
                 "<< ---------- End of Secude-SSL Errorstack ----------",
                 '  SSL_get_state() returned 0x00002131 "SSLv3 read server certificate B"',
                 "  SSL NI-sock: local=192.0.2.10:%d  peer=%s:%d" % (self.port, peer, port),
                 "<<- ERROR: SapSSLSessionStart(sssl_hdl=%016X)==SSSLERR_SSL_CONNECT" % self.handle,
                 "*** ERROR => IcmConnInitClientSSL: SapSSLSessionStart failed (-57): SSSLERR_SSL_CONNECT"
                 " [icxxconn.c 1700]")

    def untrusted_terse(self, when, target, peer="198.51.100.9", port=443):
        """The outcome only: neither the chain nor the PSE."""
        self.next_connection()
        self.at(when)
        self._end(target, peer, port, "SSSLERR_PEER_CERT_UNTRUSTED", -102,
                  "The peer's X.509 Certificate (chain) is untrusted")

    def headline(self, when, target, port=443):
        """Not even an address."""
        self.next_connection()
        self.at(when)
        self.say("*** ERROR => SSL handshake with %s:%s failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)" % (target, port))

    def name_mismatch(self, when, target, certificate_name, peer="203.0.113.20", port=443):
        self.next_connection()
        self.at(when)
        self._end(target, peer, port, "SSSLERR_SERVER_CERT_MISMATCH", -30,
                  "The certificate does not match the host name, see RFC 2818")
        self.say('  TargetHostname     = "%s"' % target, "  ServerCert.subject = <%s>" % certificate_name)

    def peer_refused(self, when, store, target, peer="203.0.113.30", port=443):
        """The peer does not accept our certificate."""
        self.next_connection()
        self.at(when)
        self.say("*** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL",
                 '   session uses PSE file "%s"' % store,
                 "SecuSSL_SessionStartNB: SSL_connect() failed  (536875078/0x20001046)",
                 '  => "received a fatal TLS certificate unknown alert message from the peer"',
                 '  Target Hostname="%s"' % target)
        self._end(target, peer, port, "SSSLERR_ALERT_CERTIFICATE_UNKNOWN", -127,
                  "received a fatal TLS certificate unknown alert message from the peer")

    def closed(self, when, target, peer="203.0.113.40", port=443):
        self.next_connection()
        self.at(when)
        self.say('  TLSextSNI server_name="%s"' % target, '  Target Hostname="%s"' % target,
                 '  SSL:SSL_get_state()==0x2120 "TLS read server hello A"')
        self._end(target, peer, port, "SSSLRC_CONN_CLOSED", -10, "The peer has closed the connection")

    def proxy_refused(self, when, target, proxy="proxy.example.com:3128"):
        self.next_connection()
        self.at(when)
        self.say("*** ERROR => IcmConnInitClientSSL: Proxy connection to https://%s:443 via %s failed"
                 " (proxy returned 407 Proxy Authentication Required)" % (target, proxy))

    def noise(self, count=1):
        """Lines that are no failure: calls that went well, as a raised trace level writes them."""
        for _ in range(count):
            self.next_connection()
            self.say("->> SapSSLSessionInit(&sssl_hdl=7ffd00001000)",
                     '     in: args     = "role=1 (CLIENT), auth_type=3 (USE_CLIENT_CERT)"',
                     "    out: sssl_hdl = %x" % self.handle, "<<- SapSSLSessionInit()==SAP_O_K")

    def _end(self, target, peer, port, error, code, sentence):
        self.say("  SSL NI-hdl %d: local=192.0.2.10:%d  peer=%s:%d" % (self.port - 50000, self.port, peer, port),
                 "<<- ERROR: SapSSLSessionStartNB(sssl_hdl=%x)==%s" % (self.handle, error),
                 "*** ERROR => SSL handshake with %s:%d failed: %s (%d)" % (target, port, error, code), sentence, "",
                 "SapSSLSessionStartNB()==" + error)


def _tree(chain, depth):
    """The certificate and, nested in its verification result, what signed it."""
    certificate, signers = chain[0], chain[1:]
    outer = " " * (3 * depth + 1 if depth else 0)
    inner = outer + " "
    lines = [outer + "Certificate:"]
    if not depth:
        lines.append(inner + "Certificate:")
        outer, inner = inner, inner + " "
    lines += ["%s%-24s%s" % (inner, "Subject:", certificate.subject),
              "%s%-24s%s" % (inner, "Issuer:", certificate.issuer.subject),
              "%s%-24s%s" % (inner, "Serial Number:", certificate.serial),
              outer + "Verification result:", "%s%-24s%s" % (inner, "Status:", "Not successful")]
    if signers:
        deeper = inner + " "
        lines += ["%s%-24s%s" % (inner, "SignerStatus:", "Not successful"), inner + "SignerVerificationResult:"]
        lines += ["%s%-23s%s" % (deeper, label, value) for label, value in (
            ("Status:", "Not successful"), ("Validity:", "Successful"), ("BasicConstraints:", "Successful"),
            ("KeyUsage:", "Successful"), ("ObjectStatus:", "Not successful"))]
        lines.append(deeper + "SignerCert:")
        lines += _tree(signers, depth + 1)
    return lines


def _groups(certificate):
    import hashlib
    digits = hashlib.sha1(certificate.der).hexdigest().upper()
    return " ".join(digits[i:i + 4] for i in range(0, len(digits), 4))


def ago(hours, minutes=0):
    """A moment before now, UTC, with odd milliseconds."""
    import pki
    return (pki.NOW - datetime.timedelta(hours=hours, minutes=minutes)).replace(tzinfo=None, microsecond=344000)
