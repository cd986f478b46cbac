// The one step of our tools that may destroy stored keys, and what it takes to want it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/ceremony.h"

namespace CLI {
class App;
}

namespace keyhaven::cli {

// --accept-key-loss[=INSTANCE]: given without the instance id, that is asked for.
struct KeyLossOption {
  bool given = false;
  std::string instance;
};
void add_key_loss_option(CLI::App& verb, KeyLossOption& option);

// Whether the server may be told that stored keys may be lost with the units' master key: only if
// the option was given and the id of the units' instance was typed in full; --yes does not count.
// Errors: InvalidArgument (another id, units of several instances, nobody to ask).
Result<bool> accepts_key_loss(Context& context, const KeyLossOption& option,
                              const std::vector<CeremonyUnit>& units);

}  // namespace keyhaven::cli
