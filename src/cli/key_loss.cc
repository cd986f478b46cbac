#include "cli/key_loss.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "cli/context.h"

namespace keyhaven::cli {

void add_key_loss_option(CLI::App& verb, KeyLossOption& option) {
  verb.add_option_function<std::vector<std::string>>(
          "--accept-key-loss",
          [&option](const std::vector<std::string>& values) {
            option.given = true;
            if (!values.empty()) option.instance = values.front();
          },
          "go on although stored keys need the master key and are lost with it; needs the "
          "instance id in full, here or at the terminal")
      ->expected(0, 1)
      ->type_name("[INSTANCE]");
}

Result<bool> accepts_key_loss(Context& context, const KeyLossOption& option,
                              const std::vector<CeremonyUnit>& units) {
  if (!option.given) return false;
  const std::string& instance = units.front().instance;
  const bool one_instance = std::all_of(units.begin(), units.end(), [&](const CeremonyUnit& unit) {
    return unit.instance == instance;
  });
  if (!one_instance) {
    return Error{Reason::InvalidArgument,
                 "--accept-key-loss is for the units of one instance at a time: give --instance",
                 "accept-key-loss"};
  }
  std::string typed = option.instance;
  if (typed.empty()) {
    if (!context.prompt().interactive()) {
      return Error{Reason::InvalidArgument,
                   "--accept-key-loss needs the instance id in full: --accept-key-loss=" +
                       std::string("INSTANCE; --yes does not stand for it"),
                   "accept-key-loss"};
    }
    context.err() << "Stored keys of the instance may be lost for good, and all that is encrypted "
                     "with them.\n";
    typed = KH_TRY(context.prompt().line("Type the instance id in full to accept that: "));
  }
  if (typed == instance) return true;
  return Error{Reason::InvalidArgument,
               "that is not the id of the units' instance; nothing was changed", "accept-key-loss"};
}

}  // namespace keyhaven::cli
