// What is in the parts of a bundle (transfer_bundle.h has the file around them). Pure.
// Format: docs/protocols/transfer-bundle.md.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/id.h"
#include "client/transfers.h"

namespace keyhaven::migrate {

inline constexpr std::size_t kMaxBundleOfferBytes = 4096;
inline constexpr std::size_t kMaxBundleChunkBytes = 128 * 1024;

// Who for whom, and the target's offer.
struct BundleHead {
  Uuid transfer;
  InstanceId source;
  InstanceId target;
  Bytes offer;  // encoded (tke/transfer.h), 1 to kMaxBundleOfferBytes

  bool operator==(const BundleHead&) const = default;
};

Bytes encode_bundle_head(const BundleHead& head);
Bytes encode_bundle_step(const client::ExportedChunk& step);
// nullopt: it is none. What is decoded encodes to the same bytes.
std::optional<BundleHead> decode_bundle_head(ByteView content);
std::optional<client::ExportedChunk> decode_bundle_step(ByteView content);

}  // namespace keyhaven::migrate
