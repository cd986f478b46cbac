#include "cli/tke_questions.h"

#include <charconv>
#include <ostream>

#include "cli/context.h"

namespace keyhaven::cli {

Result<std::uint32_t> ask_number(Context& context, const std::string& question, std::uint32_t low,
                                 std::uint32_t high) {
  const std::string answer = KH_TRY(context.prompt().line(question + " (" + std::to_string(low) +
                                                          " to " + std::to_string(high) + "): "));
  std::uint32_t number = 0;
  const auto [end, failed] = std::from_chars(answer.data(), answer.data() + answer.size(), number);
  if (failed != std::errc{} || end != answer.data() + answer.size() || number < low ||
      number > high) {
    return Error{Reason::InvalidArgument,
                 '"' + answer + "\" is no number from " + std::to_string(low) + " to " +
                     std::to_string(high),
                 {}};
  }
  return number;
}

void say(Context& context, const std::string& line) {
  (context.wants_json() ? context.err() : context.out()) << line << std::endl;
}

Result<std::string> chosen_instance(Context& context, UnitService& service) {
  const Settings settings = KH_TRY(context.settings());
  if (!settings.instance.empty()) return settings.instance;
  if (!context.prompt().interactive())
    return Error{Reason::InvalidArgument, "name the instance: --instance ID", "instance"};
  const auto instances = KH_TRY(service.instances());
  if (instances.empty())
    return Error{Reason::InvalidArgument, "No service instances were found.", "instance"};
  for (std::size_t index = 0; index < instances.size(); ++index) {
    context.err() << index + 1 << "  " << instances[index].guid << "  " << instances[index].name
                  << '\n';
  }
  const std::uint32_t number = KH_TRY(
      ask_number(context, "Service instance", 1, static_cast<std::uint32_t>(instances.size())));
  return instances[number - 1].guid;
}

Result<std::vector<std::string>> ask_administrators(Context& context, const CeremonyFiles& files,
                                                    std::uint32_t count) {
  std::vector<std::string> out;
  for (std::uint32_t number = 1; number <= count; ++number) {
    const std::string name = KH_TRY(
        context.prompt().line("Signature key of administrator " + std::to_string(number) + ": "));
    const bool is_elsewhere = name.find(':') != std::string::npos;  // token, signing service
    if (!is_elsewhere && !files.find_signature_key(name)) {
      const SecretBytes password =
          KH_TRY(new_password_for(context, {}, "the new signature key " + name));
      const SignatureKeyFile made = KH_TRY(files.add_signature_key(name, password));
      context.err() << "made " << made.path << '\n';
    }
    out.push_back(name);
  }
  return out;
}

std::vector<tke::Ski> skis_of(const std::vector<Administrator>& administrators) {
  std::vector<tke::Ski> out;
  for (const Administrator& one : administrators) out.push_back(one.signer->ski());
  return out;
}

void show_facts(Context& context, const std::vector<UnitFacts>& units) {
  std::ostream& err = context.err();
  for (const UnitFacts& unit : units) {
    err << "  " << unit.name();
    if (unit.attributes.imprint()) err << ", imprint mode";
    if (unit.current) err << ", master key " << short_text(*unit.current);
    if (unit.pending) {
      err << ", new register " << short_text(*unit.pending)
          << (unit.pending_committed ? " (committed)" : " (uncommitted)");
    }
    err << '\n';
  }
}

std::string progress_text(const std::string& what, std::size_t done, std::size_t total) {
  return what + ": crypto unit " + std::to_string(done) + " of " + std::to_string(total);
}

}  // namespace keyhaven::cli
