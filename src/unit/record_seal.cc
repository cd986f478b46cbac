#include "unit/record_seal.h"

#include <algorithm>

#include "base/wire.h"
#include "crypto/hash.h"

namespace keyhaven::unit {

namespace {

constexpr std::string_view kSealLabel = "keyhaven record v1";
constexpr std::string_view kDifferenceLabel = "keyhaven record difference v1";
constexpr std::size_t kDifferenceSize = 1 + 16 + 1 + 8;
constexpr std::size_t kBlockSize = 1024 * kDifferenceSize;

}  // namespace

std::array<std::uint8_t, kRecordTagSize> record_tag(const SecretBytes& key,
                                                    const RecordScope& scope,
                                                    const RecordName& name, std::uint32_t epoch,
                                                    std::uint64_t sequence, const Digest& digest) {
  Bytes input;
  input.reserve(128);
  Writer writer(input);
  writer.raw(as_bytes(kSealLabel));
  writer.raw(scope.view());
  writer.u8(name.table);
  writer.raw(name.id);
  writer.u32(epoch);
  writer.u64(sequence);
  writer.raw(digest);
  const Digest full = crypto::hmac_sha256(key.expose(), input);
  std::array<std::uint8_t, kRecordTagSize> tag;
  std::copy_n(full.begin(), tag.size(), tag.begin());
  return tag;
}

DifferenceDigest::DifferenceDigest(const RecordScope& scope)
    : chain_(crypto::sha256({as_bytes(kDifferenceLabel), scope.view()})) {}

void DifferenceDigest::add(const RecordDifference& record) {
  Writer writer(block_);
  writer.u8(record.name.table);
  writer.raw(record.name.id);
  writer.u8(record.verdict);
  writer.u64(record.seal);
  if (block_.size() == kBlockSize) fold();
}

void DifferenceDigest::fold() {
  chain_ = crypto::sha256({chain_, block_});
  block_.clear();
}

Digest DifferenceDigest::finish() {
  if (!block_.empty()) fold();
  return chain_;
}

}  // namespace keyhaven::unit
