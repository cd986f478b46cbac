#include "unit/wrapped_dek.h"

#include <algorithm>

#include "base/wire.h"

namespace keyhaven::unit {

namespace {
constexpr std::uint8_t kPrefix[] = {'K', 'W', 1, 1};  // magic, format, algorithm XAES-256-GCM
}

Result<Commitment> commitment_of(ByteView wrapped_dek) {
  const bool size_fits = wrapped_dek.size() > kWrappedDekOverhead &&
                         wrapped_dek.size() <= kWrappedDekOverhead + kMaxDekBytes;
  if (!size_fits || !std::equal(std::begin(kPrefix), std::end(kPrefix), wrapped_dek.begin())) {
    return Error{Reason::NotACiphertext, "not a wrapped DEK of this service", "ciphertext"};
  }
  Commitment out{};
  std::copy_n(wrapped_dek.begin() + sizeof kPrefix, out.size(), out.begin());
  return out;
}

Result<Bytes> encode_aad(const AadList& aad) {
  if (aad.size() > kMaxAadEntries) {
    return Error{Reason::InvalidField, "at most 255 entries of additional authenticated data",
                 "aad"};
  }
  std::size_t size = 2;
  for (const std::string& entry : aad) {
    if (entry.size() > kMaxAadEntryBytes) {
      return Error{Reason::InvalidField,
                   "an entry of additional authenticated data has at most 255 characters", "aad"};
    }
    size += 2 + entry.size();
  }
  Bytes out;
  out.reserve(size);
  Writer w(out);
  w.u16(static_cast<std::uint16_t>(aad.size()));
  for (const std::string& entry : aad) {
    w.u16(static_cast<std::uint16_t>(entry.size()));
    w.raw(as_bytes(entry));
  }
  return out;
}

}  // namespace keyhaven::unit
