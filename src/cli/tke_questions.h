// What the verbs that do a whole ceremony ask and say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/tke_verbs.h"
#include "cli/unit_facts.h"

namespace keyhaven::cli {

// A number from `low` to `high`; asked for again and again would hide a script that answers
// wrongly. Errors: InvalidArgument.
Result<std::uint32_t> ask_number(Context& context, const std::string& question, std::uint32_t low,
                                 std::uint32_t high);

// A line that people and their scripts read: on standard output, unless that is for JSON.
void say(Context& context, const std::string& line);

// The chosen instance (--instance, environment, profile), else a question with the list of
// instances. Errors: InvalidArgument.
Result<std::string> chosen_instance(Context& context, UnitService& service);

// Signature keys as --signer takes them, asked for by name; those that do not exist are made, with
// a new password. Errors: InvalidArgument, Io.
Result<std::vector<std::string>> ask_administrators(Context& context, const CeremonyFiles& files,
                                                    std::uint32_t count);

std::vector<tke::Ski> skis_of(const std::vector<Administrator>& administrators);

// A line per unit: name, administrators, registers.
void show_facts(Context& context, const std::vector<UnitFacts>& units);

// "master key copied: crypto unit 2 of 5".
std::string progress_text(const std::string& what, std::size_t done, std::size_t total);

}  // namespace keyhaven::cli
