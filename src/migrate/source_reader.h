// Reads what an instance holds, changing nothing.
#pragma once

#include <string>
#include <vector>

#include "migrate/side.h"

namespace keyhaven::migrate {

// What the API says about one key of the source; the rest of the plan is decided from that.
struct SourceKey {
  client::Key key;
  std::uint32_t versions = 1;
  std::vector<client::Registration> registrations;
  std::vector<std::string> lost;  // what could not be read, in words
};

// Keys in all states, in the order of their ids. A list is read by pages while others may make and
// purge keys, which moves what is behind; therefore it is read until two passes name the same keys.
// Errors: those of the client, Conflict when no two of five passes agree.
Result<std::vector<client::Key>> read_keys(client::ApiClient& api);

// Keys with the number of their versions and their registrations. `jobs` (1 to 32) connections are
// used where a key needs a call of its own: rotated root keys, and registrations where the service
// does not list all of them. Errors: as read_keys.
Result<std::vector<SourceKey>> read_source_keys(const Side& side, unsigned jobs);

}  // namespace keyhaven::migrate
