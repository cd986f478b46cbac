// What a caller may do, as lists for those who ask before they try: the console hides what would be
// refused. The authorisation table (action.h) and the caller's grants are the only sources; whoever
// shows a list to people still asks Caller::may when it is done.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "iam/caller.h"

namespace keyhaven::iam {

// Actions that need a role; open ones and those of any caller are in no list. In the order of the
// table.
using Actions = std::vector<Action>;

// A key ring, a key, or a key in a ring, of one instance; never neither. The views are into the
// caller's grants.
struct Place {
  std::string_view key_ring;  // empty: whatever ring the key is in
  std::optional<KeyId> key;   // absent: the ring and every key in it
  bool operator==(const Place&) const = default;
};

// Places where the caller may do the same.
struct Part {
  Actions actions;
  std::vector<Place> places;  // of first mention in the grants, each once in all parts
};

// The actions that the caller may do on `scope`: exactly those that need a role and that
// Caller::may allows. A few microseconds for 200 grants.
Actions actions_on(const Caller& caller, const Scope& scope);

// For each ring and key of that instance that a grant names: what the caller may do there, also
// what the whole instance already allows. A place named by its key alone does not know the key's
// ring: what a grant on that ring adds is under the ring. At most kMaxGrantsPerIdentity places.
// Whether there is such an instance, ring or key plays no part.
std::vector<Part> parts_of(const Caller& caller, const InstanceId& instance);

// The rows of the table that the same roles may do, each action once.
struct Requirement {
  RoleSet roles;
  Actions actions;
};
std::vector<Requirement> requirements();

}  // namespace keyhaven::iam
