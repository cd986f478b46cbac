// Disabled keys that are enabled for one run because their DEKs cannot be opened otherwise. The
// journal remembers each of them until it is disabled again, so a run that dies leaves a debt which
// the next one pays.
#pragma once

#include <set>
#include <string>

#include "migrate/dek_routes.h"
#include "migrate/journal.h"
#include "migrate/side.h"

namespace keyhaven::migrate {

// Disables a key; one that is disabled already is no error. Errors: those of the client.
Result<void> disable_in(client::ApiClient& api, const std::string& id);

// Enables a key, with patience: the API may refuse within 30 s of a disable. One that is enabled
// already is an error (KeyActionInvalidState). Errors: those of the client.
Result<void> enable_in(client::ApiClient& api, const std::string& id);

// Not thread-safe; borrows everything.
class EnabledKeys {
 public:
  EnabledKeys(Journal& journal, client::ApiClient& from, client::ApiClient& to, Observer& observer)
      : journal_(journal), from_(from), to_(to), observer_(observer) {}

  // Enables, on both sides, the suspended keys of the plan that `names` (of an inventory) lead to.
  // What cannot be enabled is noted; its DEKs will be refused with the reason. Errors: the
  // journal's.
  Result<void> enable(const Plan& plan, const DekRoutes& routes,
                      const std::set<std::string>& names);
  // Disables again whatever this or an earlier run has enabled; call it at the beginning and at the
  // end of a run. Returns how many could not be disabled. Errors: the journal's.
  Result<std::uint64_t> settle();

 private:
  Result<void> turn_on(const PlannedKey& key, const char* side, const std::string& id);
  client::ApiClient& side_of(const std::string& step) const;
  Journal& journal_;
  client::ApiClient& from_;
  client::ApiClient& to_;
  Observer& observer_;
};

}  // namespace keyhaven::migrate
