// What a crypto unit remembers of a transfer of keys that its quorum has allowed.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/secret_bytes.h"
#include "crypto/ec.h"

namespace keyhaven::unit {

inline constexpr std::size_t kTransferKeySize = 32;

// The source's side: keys may be sealed for this offer.
struct OutgoingTransfer {
  Uuid id;
  InstanceId target;
  Timestamp expires;  // of offer and permission the earlier one
  Digest offer{};
  crypto::P521Point ephemeral{};  // the public half of the key agreement
  SecretBytes key;                // agreed with the offer's import key (transfer_seal.h)

  OutgoingTransfer clone() const;
};

// The target's side: an offer, and the one manifest that the quorum has consented to.
struct IncomingTransfer {
  Uuid id;
  InstanceId source;
  crypto::P521PublicKey source_root;
  Timestamp expires;
  Digest offer{};
  crypto::P521PrivateKey import_key;
  std::optional<Digest> manifest;
};

}  // namespace keyhaven::unit
