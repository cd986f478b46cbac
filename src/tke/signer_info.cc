#include "tke/signer_info.h"

#include <algorithm>

#include "tke/der.h"

namespace keyhaven::tke {

namespace {

constexpr std::uint8_t kVersion3[] = {3};
// Contents of SEQUENCEs: an object identifier and NULL.
constexpr std::uint8_t kSha512[] = {0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
                                    0x03, 0x04, 0x02, 0x03, 0x05, 0x00};
constexpr std::uint8_t kSha256[] = {0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
                                    0x03, 0x04, 0x02, 0x01, 0x05, 0x00};
constexpr std::uint8_t kEcdsaSha512[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE,
                                         0x3D, 0x04, 0x03, 0x04, 0x05, 0x00};
constexpr std::uint8_t kRsaEncryption[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                           0x0D, 0x01, 0x01, 0x01, 0x05, 0x00};
constexpr std::size_t kMaxEcdsaBytes = 160;  // P-521: at most 141

struct Algorithm {
  ByteView digest;
  ByteView signature;
};
Algorithm identifiers_of(SignatureAlgorithm algorithm) {
  if (algorithm == SignatureAlgorithm::EcdsaSha512) return {kSha512, kEcdsaSha512};
  return {kSha256, kRsaEncryption};
}

bool equal(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

bool has_possible_size(const SignerInfo& info) {
  if (info.algorithm == SignatureAlgorithm::RsaX931Sha256) {
    return info.signature.size() == kRsaModulusSize;
  }
  return info.signature.size() <= kMaxEcdsaBytes;
}

}  // namespace

Bytes encode(const SignerInfo& info) {
  const Algorithm algorithm = identifiers_of(info.algorithm);
  return der::sequence(
      {der::element(der::kInteger, kVersion3), der::element(der::kContext0, info.ski),
       der::element(der::kSequence, algorithm.digest),
       der::element(der::kSequence, algorithm.signature), der::octet_string(info.signature)});
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
    const ByteView digest = fields.read(der::kSequence);
    if (equal(digest, kSha256)) info.algorithm = SignatureAlgorithm::RsaX931Sha256;
    const Algorithm expected = identifiers_of(info.algorithm);
    fields.expect(der::kSequence, expected.signature);
    info.signature = to_bytes(fields.octet_string());
    if (!fields.at_end() || !equal(digest, expected.digest) || ski.size() != info.ski.size() ||
        !has_possible_size(info)) {
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
    const AdministratorKey key = signer->key();
    append(out, encode(SignerInfo{key.ski(), std::move(signature), key.algorithm()}));
  }
  return out;
}

}  // namespace keyhaven::tke
