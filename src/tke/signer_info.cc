#include "tke/signer_info.h"

#include <algorithm>

#include "crypto/hash.h"
#include "tke/der.h"

namespace keyhaven::tke {

namespace {

constexpr std::uint8_t kVersion3[] = {3};
// SEQUENCE content: OID 2.16.840.1.101.3.4.2.3 (sha512), NULL.
constexpr std::uint8_t kSha512[] = {0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
                                    0x03, 0x04, 0x02, 0x03, 0x05, 0x00};
// SEQUENCE content: OID 1.2.840.10045.4.3.4 (ecdsa-with-SHA512), NULL.
constexpr std::uint8_t kEcdsaSha512[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
                                         0x3D, 0x04, 0x03, 0x04, 0x05, 0x00};
constexpr std::size_t kMaxSignatureBytes = 160;  // P-521: at most 141

}  // namespace

Ski ski_of(const crypto::P521Point& point) { return crypto::sha256(point); }

Ski short_ski_of(const crypto::P521Point& point) {
  return crypto::sha256(ByteView(point).subspan(1));
}

Bytes encode(const SignerInfo& info) {
  return der::sequence(
      {der::element(der::kInteger, kVersion3), der::element(der::kContext0, info.ski),
       der::element(der::kSequence, kSha512), der::element(der::kSequence, kEcdsaSha512),
       der::octet_string(info.signature)});
}

Result<std::vector<SignerInfo>> parse_signer_infos(ByteView bytes) {
  std::vector<SignerInfo> out;
  DerReader outer(bytes);
  while (!outer.at_end()) {
    if (out.size() == kMaxSigners) {
      return Error{
          Reason::TooLarge, "more than " + std::to_string(kMaxSigners) + " signatures", {}};
    }
    DerReader fields = outer.enter(der::kSequence);
    SignerInfo info;
    fields.expect(der::kInteger, kVersion3);
    const ByteView ski = fields.read(der::kContext0);
    fields.expect(der::kSequence, kSha512);
    fields.expect(der::kSequence, kEcdsaSha512);
    info.signature = to_bytes(fields.octet_string());
    if (!fields.at_end() || ski.size() != info.ski.size() ||
        info.signature.size() > kMaxSignatureBytes) {
      return Error{Reason::InvalidArgument, "malformed signature information", {}};
    }
    std::copy(ski.begin(), ski.end(), info.ski.begin());
    out.push_back(std::move(info));
  }
  return out;
}

Result<Bytes> sign_block(ByteView block, const Signers& signers) {
  if (signers.size() > kMaxSigners) {
    return Error{Reason::TooLarge, "more than " + std::to_string(kMaxSigners) + " signatures", {}};
  }
  Bytes out;
  for (const Signer* signer : signers) {
    Bytes signature = KH_TRY(signer->sign(block));
    append(out, encode(SignerInfo{signer->ski(), std::move(signature)}));
  }
  return out;
}

}  // namespace keyhaven::tke
