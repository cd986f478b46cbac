#include "tke/oa_certificate.h"

#include <algorithm>
#include <optional>

#include "base/wire.h"

namespace keyhaven::tke {

namespace {

constexpr std::uint8_t kOa2Marker = 0x45;
constexpr std::size_t kHeaderSize = 32;
constexpr std::size_t kSections = 5;
enum Section : std::size_t { kInfo, kMeta, kAux, kSpki, kSigner };
constexpr std::array<std::size_t, kSections> kPadding = {4, 3, 5, 2, 1};

constexpr std::size_t kInfoSize = 4;
constexpr std::size_t kMetaSize = 173;
constexpr std::size_t kSpkiSize = 158;
constexpr std::size_t kSignerSize = 207;

constexpr std::size_t kMetaVersionAt = 5;
constexpr std::size_t kMetaAdapterIdAt = 27;
constexpr std::size_t kMetaSubjectAt = 87;
constexpr std::size_t kMetaSignerAt = 121;
constexpr std::size_t kMetaOaInfoSizeAt = 172;
constexpr std::size_t kSignerSkiAt = 8;
constexpr std::size_t kSignerRAt = 73;
constexpr std::size_t kSignerSAt = 141;
constexpr std::size_t kSerialNumberBytes = 8;
constexpr std::uint32_t kAlgorithmEcdsaP521 = 1;

void place(Bytes& out, std::size_t at, ByteView bytes) {
  KH_ASSERT(at + bytes.size() <= out.size());
  std::copy(bytes.begin(), bytes.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
}

template <std::size_t N>
void take(ByteView from, std::size_t at, std::array<std::uint8_t, N>& to) {
  const ByteView part = from.subspan(at, N);
  std::copy(part.begin(), part.end(), to.begin());
}

void append_section(Bytes& out, std::size_t section, ByteView content) {
  append(out, content);
  if (!content.empty()) out.resize(out.size() + kPadding[section], 0);
}

Error malformed(const char* what) {
  return {Reason::InvalidArgument, std::string("attestation certificate: ") + what, {}};
}

struct Sections {
  std::array<ByteView, kSections> content;
  std::size_t signed_size = 0;
};

Result<Sections> split(ByteView bytes) {
  if (bytes.size() > kMaxOaCertificateBytes) return malformed("too large");
  Reader r(bytes);
  if (r.u8() != kOa2Marker) return malformed("not of the OA2 format");
  r.raw(2);
  r.u8();  // section count: informative
  const std::uint32_t total = r.u32();
  std::array<std::uint32_t, kSections> sizes{};
  for (auto& size : sizes) size = r.u32();
  r.raw(4);
  if (!r.ok() || total != bytes.size()) return malformed("wrong total length");
  Sections out;
  for (std::size_t i = 0; i < kSections; ++i) {
    if (i == kSigner) out.signed_size = bytes.size() - r.remaining();
    out.content[i] = r.raw(sizes[i]);
    if (sizes[i] != 0) r.raw(kPadding[i]);
  }
  if (!r.at_end()) return malformed("section lengths do not add up");
  return out;
}

std::optional<std::array<std::uint8_t, 66>> coordinate(std::string_view text) {
  const auto bytes = from_hex(text);
  std::array<std::uint8_t, 66> out{};
  if (!bytes || bytes->size() != out.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

}  // namespace

std::string AttestationRoot::text() const {
  const ByteView point = key.point();
  return "SKI: " + to_hex(ski) + "\nX: " + to_hex(point.subspan(1, 66)) +
         "\nY: " + to_hex(point.subspan(67, 66)) + "\n";
}

Result<AttestationRoot> AttestationRoot::parse(std::string_view text) {
  const auto refuse = [](const char* what) {
    return Error{Reason::InvalidArgument, std::string("attestation root: ") + what, {}};
  };
  if (text.size() > 4096) return refuse("larger than 4096 bytes");
  std::string_view ski, x, y;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view label = trim(line.substr(0, colon));
    std::string_view* field = label == "SKI" ? &ski
                              : label == "X" ? &x
                              : label == "Y" ? &y
                                             : nullptr;
    if (field == nullptr || colon == line.size())
      return refuse("a line that is neither SKI, X nor Y");
    if (!field->empty()) return refuse("a line twice");
    *field = trim(line.substr(colon + 1));
  }
  const auto x_bytes = coordinate(x);
  const auto y_bytes = coordinate(y);
  if (!x_bytes || !y_bytes) return refuse("X and Y need 132 hexadecimal digits each");
  Bytes point = {0x04};
  append(point, *x_bytes);
  append(point, *y_bytes);
  auto key = crypto::P521PublicKey::from_point(point);
  if (!key) return refuse("not a point of curve P-521");
  AttestationRoot root = AttestationRoot::of(*key);
  const auto ski_bytes = from_hex(ski);
  if (!ski_bytes ||
      !std::equal(ski_bytes->begin(), ski_bytes->end(), root.ski.begin(), root.ski.end())) {
    return refuse("the SKI does not belong to X and Y");
  }
  return root;
}

Bytes make_oa_certificate(const crypto::P521PublicKey& subject, const std::string& serial_number,
                          const crypto::P521PrivateKey& signer) {
  KH_ASSERT(serial_number.size() <= kSerialNumberBytes);
  const Ski signer_ski = ski_of(signer.public_key().point());
  Bytes meta(kMetaSize, 0);
  meta[kMetaVersionAt + 3] = 1;
  place(meta, kMetaAdapterIdAt, as_bytes(serial_number));
  place(meta, kMetaSubjectAt, ski_of(subject.point()));
  place(meta, kMetaSignerAt, signer_ski);

  Bytes out;
  Writer w(out);
  w.u8(kOa2Marker);
  w.u16(0);
  w.u8(kSections);
  w.u32(0);  // total length, below
  for (std::size_t size : {kInfoSize, kMetaSize, std::size_t{0}, kSpkiSize, kSignerSize}) {
    w.u32(static_cast<std::uint32_t>(size));
  }
  w.u32(0);
  const std::size_t total = kHeaderSize + kInfoSize + kPadding[kInfo] + kMetaSize +
                            kPadding[kMeta] + kSpkiSize + kPadding[kSpki] + kSignerSize +
                            kPadding[kSigner];
  place(out, 4,
        Bytes{0, 0, static_cast<std::uint8_t>(total >> 8), static_cast<std::uint8_t>(total)});

  Bytes info;
  Writer(info).u32(kAlgorithmEcdsaP521);
  append_section(out, kInfo, info);
  append_section(out, kMeta, meta);
  append_section(out, kSpki, subject.spki());

  const crypto::P521Signature signature = signer.sign_sha512(out);
  Bytes signer_info(kSignerSize, 0);
  place(signer_info, kSignerSkiAt, signer_ski);
  place(signer_info, kSignerRAt, signature.r);
  place(signer_info, kSignerSAt, signature.s);
  append_section(out, kSigner, signer_info);
  KH_ASSERT(out.size() == total);
  return out;
}

Result<OaCertificate> parse_oa_certificate(ByteView bytes) {
  const Sections sections = KH_TRY(split(bytes));
  const ByteView meta = sections.content[kMeta];
  const ByteView signer = sections.content[kSigner];
  if (meta.size() < kMetaSize || meta.size() != kMetaSize + meta[kMetaOaInfoSizeAt]) {
    return malformed("meta data of the wrong length");
  }
  if (sections.content[kSpki].size() != kSpkiSize || signer.size() < kSignerSize) {
    return malformed("key or signature of the wrong length");
  }
  auto key = crypto::P521PublicKey::from_spki(sections.content[kSpki]);
  if (!key) return malformed("the key is no P-521 key");
  OaCertificate out;
  out.key = std::move(key).value();
  take(meta, kMetaSubjectAt, out.subject);
  take(meta, kMetaSignerAt, out.signer);
  const ByteView serial = meta.subspan(kMetaAdapterIdAt, kSerialNumberBytes);
  out.serial_number = std::string(as_text(serial));
  out.serial_number.erase(std::min(out.serial_number.find('\0'), out.serial_number.size()));
  take(signer, kSignerRAt, out.signature.r);
  take(signer, kSignerSAt, out.signature.s);
  out.signed_part = to_bytes(bytes.first(sections.signed_size));
  if (out.subject != ski_of(out.key.point())) return malformed("subject is not that of its key");
  Ski named{};
  take(signer, kSignerSkiAt, named);
  if (named != out.signer) return malformed("two different signers named");
  return out;
}

Result<crypto::P521PublicKey> verify_chain(const std::vector<Bytes>& certificates,
                                           const AttestationRoot& root) {
  const auto refuse = [](const char* what) {
    return Error{Reason::Forbidden,
                 std::string("the crypto unit does not belong to this deployment: ") + what +
                     "; check that the pinned attestation root is that of this server",
                 {}};
  };
  if (certificates.empty()) return refuse("it sent no certificate");
  if (certificates.size() > kMaxOaChainLength) return refuse("its certificate chain is too long");
  std::vector<OaCertificate> chain;
  for (const Bytes& bytes : certificates) {
    auto parsed = parse_oa_certificate(bytes);
    if (!parsed) return refuse("it sent a malformed certificate");
    if (parsed->subject == parsed->signer) return refuse("a certificate is self-signed");
    chain.push_back(std::move(parsed).value());
  }
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const bool last = i + 1 == chain.size();
    const Ski& issuer = last ? root.ski : chain[i + 1].subject;
    const crypto::P521PublicKey& issuer_key = last ? root.key : chain[i + 1].key;
    if (chain[i].signer != issuer) {
      return refuse(last ? "its chain ends at another root"
                         : "its certificates do not form a chain");
    }
    if (!issuer_key.verify_sha512(chain[i].signed_part, chain[i].signature)) {
      return refuse("a certificate signature does not verify");
    }
  }
  return chain.front().key;
}

}  // namespace keyhaven::tke
