"""Administrators of crypto units as another program than ours would make them: keys, certificates, blocks and frames,
byte by byte by docs/protocols/tke.md; the openssl program makes keys and signatures."""
import base64
import hashlib
import subprocess

ADD_ADMINISTRATOR, SET_ATTRIBUTES, GENERATE_IMPORTER, CREATE_RANDOM_KEY, COMMIT, ZEROIZE = 2, 8, 9, 0xA, 0xD, 0x10
RANDOM_KEY_ALLOWED = 8  # permission
QUERY_ATTRIBUTES = 0x0001000A
ECDSA_SHA512 = bytes.fromhex("06082a8648ce3d040304")


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


# --- DER ---
def element(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def sequence(*parts):
    return element(0x30, *parts)


def octets(content):
    return element(4, content)


def children(der):
    """The contents of the elements inside the outermost element."""
    def header(data):
        size, at = data[1], 2
        if size & 0x80:
            at += size & 0x7F
            size = int.from_bytes(data[2:at], "big")
        return at, size

    at, size = header(der)
    rest, out = der[at:at + size], []
    while rest:
        at, size = header(rest)
        out.append(rest[at:at + size])
        rest = rest[at + size:]
    return out


# --- People ---
class Administrator:
    """Somebody on a machine of their own: a key file, and what it can sign."""

    def __init__(self, directory, name):
        self.name = name
        self.key = directory / f"{name}.pem"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521", "-out", self.key)
        self.spki = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")
        self.ski = hashlib.sha256(self.spki[-133:]).digest()

    def sign(self, message):
        return openssl("dgst", "-sha512", "-sign", self.key, data=message)

    def signer_info(self, block):
        digest = sequence(bytes.fromhex("0609608648016503040203"), b"\x05\x00")
        algorithm = sequence(ECDSA_SHA512, b"\x05\x00")
        return sequence(b"\x02\x01\x03", element(0x80, self.ski), digest, algorithm, octets(self.sign(block)))

    def certificate(self):
        def relative(oid, value):
            return element(0x31, sequence(bytes.fromhex(oid), element(0x13, value.encode())))

        algorithm = sequence(ECDSA_SHA512)
        name = sequence(relative("060355040b", "TKE Administration"), relative("0603550403", self.name.ljust(30)))
        validity = sequence(element(0x18, b"20000101000000Z"), element(0x18, b"21001231235959Z"))
        extension = sequence(bytes.fromhex("0603551d0e"), octets(octets(self.ski)))
        tbs = sequence(element(0xA0, b"\x02\x01\x02"), b"\x02\x01\x00", algorithm, name, validity, name, self.spki,
                       element(0xA3, sequence(extension)))
        return sequence(tbs, algorithm, element(3, b"\0", self.sign(tbs)))


# --- Frames ---
def frame(location, payload):
    module, domain = (int(part.strip("[]")) for part in location.split(".")[2:])
    cprb = bytes.fromhex("0020040000") + b"\x80T4" + bytes(4) + domain.to_bytes(4, "big") + bytes(12) + len(payload).to_bytes(4, "big") + payload
    rest = f";PCI request;XPNUM   ;{module};        ;{cprb.hex().upper()}"
    return f"{len(rest)}{rest}"


def response_block(text):
    """The fields of the response block in an HTPResponse: command, domain, module id, counter, return code, output."""
    cprb = bytes.fromhex(text.rpartition(";")[2])
    fields = children(cprb[32:])
    assert len(fields) > 3, fields
    return children(fields[3])


class Unit:
    """One crypto unit of an instance, reached by the API of a deployment."""

    def __init__(self, call, instance, number=0, kind="hsms"):
        self.call, self.instance = call, instance
        listed = call("GET", f"/v1/tke/{instance}/hsms")[kind][number]
        self.id, self.location = listed["hsm_id"], listed["location"]
        self.domain = int(self.location.rpartition(".")[2].strip("[]")).to_bytes(4, "big")

    def pass_block(self, block, signer_infos=b""):
        payload = sequence(octets(bytes.fromhex("00010029")), octets(self.domain), octets(block), octets(signer_infos))
        answer = self.call("POST", f"/v1/tke/{self.instance}/hsms/{self.id}", {"request": frame(self.location, payload)})
        return response_block(answer["response"])

    def moment(self):
        """Domain with its instance, module id, counter, attributes."""
        query = sequence(*map(octets, (QUERY_ATTRIBUTES.to_bytes(4, "big"), self.domain + bytes(4), b"", b"", b"")))
        _, domain, module, counter, code, output = self.pass_block(query)
        assert code == bytes(4), code
        return domain, module, counter, output

    def block(self, command, content=b"", ahead=0):
        domain, module, counter, _ = self.moment()
        counter = (int.from_bytes(counter, "big") + 1 + ahead).to_bytes(16, "big")
        return sequence(*map(octets, (command.to_bytes(4, "big"), domain, module, counter, content)))

    def attributes(self, signature, revocation, permissions=0):
        """The list for SET_ATTRIBUTES; `permissions` are added to those that the unit has."""
        output = self.moment()[3]
        pairs = {output[at + 3]: output[at + 4:at + 8] for at in range(0, len(output), 8)}
        pairs |= {1: signature.to_bytes(4, "big"), 2: revocation.to_bytes(4, "big"),
                  3: (int.from_bytes(pairs[3], "big") | permissions).to_bytes(4, "big")}
        return b"".join(index.to_bytes(4, "big") + pairs[index] for index in (1, 2, 3, 4))

    def run(self, command, content=b"", signers=()):
        block = self.block(command, content)
        answer = self.pass_block(block, b"".join(one.signer_info(block) for one in signers))
        assert answer[4] == bytes(4), (command, answer[4].hex(), answer[5].hex())

    def enroll(self, administrators, threshold=2, permissions=0):
        for one in administrators:
            self.run(ADD_ADMINISTRATOR, one.certificate())
        self.run(SET_ATTRIBUTES, self.attributes(threshold, threshold, permissions), administrators)


def b64(data):
    return base64.b64encode(data).decode()
