"""
Certificates for test landscapes: an own small CA on top of the openssl command, and the public roots of this machine.
A folder that has certificates already keeps them: the same call gives the same certificate again.

Names are lists of (type, value) in the order of the certificate (C first); Cert.subject prints them as SAP does: CN
first, SP for the state, quotes round a value with a comma.
"""

import base64
import datetime
import hashlib
import os
import pathlib
import re
import subprocess

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)

# Old and new roots that most trust lists of this kind hold.  What this machine lacks is left out.
PUBLIC_ROOTS = [
    "Amazon_Root_CA_1", "Amazon_Root_CA_3", "Certum_Trusted_Root_CA", "COMODO_RSA_Certification_Authority",
    "D-TRUST_BR_Root_CA_2_2023", "DigiCert_Assured_ID_Root_G2", "DigiCert_Global_Root_G2", "DigiCert_Global_Root_G3",
    "DigiCert_TLS_ECC_P384_Root_G5", "DigiCert_TLS_RSA4096_Root_G5", "DigiCert_Trusted_Root_G4",
    "Entrust_Root_Certification_Authority_-_EC1", "GlobalSign_Root_CA_-_R6", "GlobalSign_Root_E46",
    "GlobalSign_Root_R46", "Go_Daddy_Root_Certificate_Authority_-_G2", "GTS_Root_R1", "GTS_Root_R4",
    "HARICA_TLS_RSA_Root_CA_2021", "IdenTrust_Commercial_Root_CA_1", "ISRG_Root_X1", "ISRG_Root_X2",
    "Microsoft_RSA_Root_Certificate_Authority_2017", "QuoVadis_Root_CA_2_G3",
    "Sectigo_Public_Server_Authentication_Root_R46", "SSL.com_TLS_RSA_Root_CA_2022",
    "Starfield_Root_Certificate_Authority_-_G2", "SwissSign_Gold_CA_-_G2", "Telekom_Security_TLS_RSA_Root_2023",
    "USERTrust_ECC_Certification_Authority", "USERTrust_RSA_Certification_Authority",
]
MOZILLA = pathlib.Path("/usr/share/ca-certificates/mozilla")

_EXTENSIONS = {
    "root": "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n",
    "issuing": "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n"
               "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
    "server": "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n"
              "subjectKeyIdentifier=hash\n",
}
_CA_CONFIG = """\
[ca]
default_ca = any
[any]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
unique_subject = no
default_md = sha256
policy = policy
[policy]
countryName = optional
stateOrProvinceName = optional
localityName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
"""


def openssl(*arguments, stdin=None):
    """Run openssl and return what it printed; raise with its own words if it fails."""
    done = subprocess.run(["openssl", *map(str, arguments)], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise RuntimeError("openssl %s: %s" % (arguments[0], done.stderr.decode("utf-8", "replace")))
    return done.stdout


def sap_name(name):
    """A name as SAP prints it."""
    spelling = {"ST": "SP", "serialNumber": "SN"}
    parts = []
    for kind, value in reversed(name):
        parts.append("%s=%s" % (spelling.get(kind, kind), '"%s"' % value if "," in value else value))
    return ", ".join(parts)


def slash_name(name):
    """A name for openssl's -subj."""
    return "".join("/%s=%s" % (kind, re.sub(r"([\\/+])", r"\\\1", value)) for kind, value in name)


class Cert:
    """A certificate in a PEM file; key is the path of its private key or None, issuer another Cert (itself: a root)."""

    def __init__(self, path, name, issuer=None, key=None):
        self.path = pathlib.Path(path)
        self.name = name
        self.issuer = issuer or self
        self.key = key
        self.pem = self.path.read_text("ascii")
        body = re.search(r"-----BEGIN CERTIFICATE-----(.*?)-----END", self.pem, re.S).group(1)
        self.der = base64.b64decode(body)
        self.sha256 = hashlib.sha256(self.der).hexdigest()

    @property
    def subject(self):
        return sap_name(self.name)

    @property
    def common_name(self):
        return dict(self.name).get("CN", "")

    @property
    def serial(self):
        """As traces and listings print it: pairs with colons."""
        text = openssl("x509", "-in", self.path, "-noout", "-serial").decode().strip().split("=")[1]
        return ":".join(text[i:i + 2] for i in range(0, len(text), 2))

    @property
    def chain(self):
        """This certificate and everything above it, the root last."""
        found = [self]
        while found[-1].issuer is not found[-1]:
            found.append(found[-1].issuer)
        return found


class Authority:
    """Makes certificates in one folder.  Certificates with the same label are made once."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config = self.folder / "ca.conf"
        self.config.write_text(_CA_CONFIG.format(folder=self.folder))
        (self.folder / "index.txt").touch()
        self.made = {}

    def key(self, label, kind="ec"):
        path = self.folder / (label + ".key")
        if not path.exists():
            how = {"ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                   "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}[kind]
            openssl("genpkey", *how, "-out", path)
            path.chmod(0o600)
        return path

    def make(self, common_name, issuer=None, profile="server", name=None, start=-365, end=730, names=None, key="ec"):
        """
        A certificate for common_name, signed by issuer (None: by itself), valid from start to end days from now.
        profile: root, issuing, server.  name: the whole name.  names: DNS names (default: common_name, for a server).
        key: "ec", "rsa" or the path of a key.
        """
        name = name or [("C", "DE"), ("O", "Example Trust" if profile != "server" else "Example AG"),
                        ("CN", common_name)]
        label = re.sub(r"[^A-Za-z0-9.]+", "-", sap_name(name)).strip("-")[:80]
        label += "-" + hashlib.sha256(repr((name, issuer and issuer.sha256, start, end)).encode()).hexdigest()[:6]
        if label in self.made:
            return self.made[label]
        key = self.key(label, key) if isinstance(key, str) and key in ("ec", "rsa") else pathlib.Path(key)
        request, path = self.folder / (label + ".csr"), self.folder / (label + ".pem")
        if not path.exists():
            self._sign(label, path, request, key, name, issuer, profile, start, end, names or [common_name])
        self.made[label] = Cert(path, name, issuer, key)
        return self.made[label]

    def _sign(self, label, path, request, key, name, issuer, profile, start, end, names):
        openssl("req", "-new", "-utf8", "-config", self._request_config(), "-key", key, "-subj", slash_name(name),
                "-out", request)
        extensions = _EXTENSIONS[profile]
        if profile == "server":
            extensions += "subjectAltName=" + ",".join("DNS:" + n for n in names) + "\n"
        (self.folder / "extensions").write_text(extensions)
        digits = hashlib.sha256(label.encode()).hexdigest()[:14].upper()
        (self.folder / "serial").write_text("4A" + digits + "\n")
        signer = ["-selfsign", "-keyfile", key] if issuer is None else ["-cert", issuer.path, "-keyfile", issuer.key]
        openssl("ca", "-batch", "-notext", "-utf8", "-preserveDN", "-config", self.config, *signer, "-in", request,
                "-out", path, "-extfile", self.folder / "extensions", "-startdate", self._date(start),
                "-enddate", self._date(end))
        request.unlink()

    def root(self, common_name, **more):
        return self.make(common_name, profile="root", **{"start": -2000, "end": 4000, **more})

    def issuing(self, common_name, issuer, **more):
        return self.make(common_name, issuer=issuer, profile="issuing", **{"start": -1000, "end": 2000, **more})

    def _request_config(self):
        path = self.folder / "request.conf"
        if not path.exists():
            path.write_text("[req]\ndistinguished_name = name\nstring_mask = utf8only\n[name]\n")
        return path

    @staticmethod
    def _date(days):
        return (NOW + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


def public_roots(count=len(PUBLIC_ROOTS)):
    """Up to count well-known public roots of this machine that are still good for three years."""
    found = []
    for label in PUBLIC_ROOTS:
        path = MOZILLA / (label + ".crt")
        if len(found) < count and path.exists():
            still = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-checkend", str(3 * 365 * 86400)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            if still.returncode == 0:
                found.append(Cert(path, [("CN", label)]))
    return found
