// The authenticated party of a request, with its rights compiled for quick answers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "iam/action.h"

namespace keyhaven::iam {

// One grant: roles on a scope. Absent parts match everything below.
struct Grant {
  std::string id;  // UUID text
  std::string iam_id;
  RoleSet roles = 0;
  std::optional<InstanceId> instance;
  std::string key_ring;  // empty: every ring
  std::optional<KeyId> key;
};

// What a call touches. Leave out what the call does not have.
struct Scope {
  const InstanceId* instance = nullptr;
  std::string_view key_ring = {};  // empty with `key` null: the whole instance
  const KeyId* key = nullptr;
};

// Immutable once made; shared between loops through the token caches.
struct Caller {
  std::string iam_id;  // "iam-ServiceId-…" or "IBMid-…"; what createdBy and dual authorization use
  std::string name;
  std::string account;     // 32 hex digits, as in CRNs
  std::string credential;  // "apikey" or "oidc"
  // The first eight segments of the CRNs that this service owns (iam_store.h); empty: no service.
  std::string service_crn;
  Timestamp token_expires;
  std::uint64_t revocation_epoch = 0;
  std::vector<Grant> grants;

  // Roles of the grants that cover `scope`. A ring or key grant does not cover a call on the whole
  // instance.
  RoleSet roles_on(const Scope& scope) const noexcept;
  // Deny by default.
  bool may(Action action, const Scope& scope) const noexcept;
};
using CallerPtr = std::shared_ptr<const Caller>;

}  // namespace keyhaven::iam
