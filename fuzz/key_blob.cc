// The header of a sealed key: accepted only as it was made, for its own key and purpose.
#include "unit/key_blob.h"

#include <algorithm>

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto purpose =
      fuzz::take_byte(in) % 2 == 0 ? unit::BlobPurpose::RootKey : unit::BlobPurpose::StandardKey;
  unit::KeyBinding binding;
  if (in.size() >= unit::kBlobHeaderSize) {  // the binding that the blob itself claims
    std::copy_n(in.begin() + 24, 16, binding.instance.uuid.bytes.begin());
    std::copy_n(in.begin() + 40, 16, binding.key.uuid.bytes.begin());
    std::copy_n(in.begin() + 56, 16, binding.version.uuid.bytes.begin());
  }
  const auto pattern = unit::check_blob_header(in, purpose, binding);
  if (!pattern) return;
  KH_ASSERT(in.size() > unit::kBlobOverhead && in.size() <= unit::kMaxBlobBytes);
  const auto header = unit::make_blob_header(purpose, *pattern, binding);
  KH_ASSERT(fuzz::same(header, in.first(unit::kBlobHeaderSize)));
  binding.version.uuid.bytes[0] ^= 1;
  KH_ASSERT(!unit::check_blob_header(in, purpose, binding));
}
