// tke mk-add, mks, mk-rm: files only, no crypto unit is asked.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>

#include "cli/context.h"
#include "cli/output.h"
#include "cli/part_source.h"
#include "cli/tke_verbs.h"
#include "crypto/random.h"

namespace keyhaven::cli {
namespace {

constexpr std::size_t kMaxValueText = 256;

struct FileOptions {
  std::string label;
  std::string password_file;
  std::string value_file;
  std::string paper_file;
  bool paper = false;
  bool random = false;
  bool yes = false;
};

boost::json::object to_json(const KeyPartFile& file) {
  return {{"name", file.label},
          {"description", file.info.description},
          {"verification_pattern", tke::pattern_text(file.info.pattern)},
          {"file", file.path}};
}

// 64 hex digits; white space around them is a text editor's.
Result<SecretBytes> value_of(Context& context, const FileOptions& options) {
  if (options.random) return crypto::random_secret(tke::kMasterKeySize);
  if (options.paper || !options.paper_file.empty())
    return read_paper(context, tke::PaperKind::Part, options.paper_file,
                      "key part " + options.label);
  SecretBytes text;
  if (!options.value_file.empty()) {
    text = KH_TRY(read_secret(context, options.value_file, kMaxValueText, Newline::Strip));
  } else if (context.prompt().interactive()) {
    text = KH_TRY(context.prompt().secret("Value of the key part (64 hex digits): "));
  } else {
    return Error{Reason::InvalidArgument, "give --random, or --value-file with 64 hex digits",
                 "value-file"};
  }
  auto value = secret_from_hex(as_text(text.expose()));
  if (!value || value.value().size() != tke::kMasterKeySize) {
    return Error{Reason::InvalidArgument, "the value of a key part is 64 hex digits", "value-file"};
  }
  return value;
}

Result<void> add_key_part(Context& context, const FileOptions& options) {
  const CeremonyFiles files = KH_TRY(CeremonyFiles::open(context));
  const SecretBytes value = KH_TRY(value_of(context, options));
  const SecretBytes password =
      KH_TRY(new_password_for(context, options.password_file, "key part " + options.label));
  const KeyPartFile made = KH_TRY(files.add_key_part(options.label, value, password));
  Table table({"NAME", "VERIFICATION PATTERN", "FILE"});
  table.add({made.label, tke::pattern_text(made.info.pattern), made.path});
  return show(context, table, to_json(made));
}

Result<void> list_key_parts(Context& context) {
  const CeremonyFiles files = KH_TRY(CeremonyFiles::open(context));
  const auto parts = KH_TRY(files.key_parts());
  Table table({"KEYNUM", "DESCRIPTION", "VERIFICATION PATTERN"});
  boost::json::array json;
  for (std::size_t index = 0; index < parts.size(); ++index) {
    table.add({std::to_string(index + 1), parts[index].label,
               tke::pattern_text(parts[index].info.pattern)});
    json.push_back(to_json(parts[index]));
  }
  return show(context, table, boost::json::object{{"key_parts", json}});
}

std::shared_ptr<FileOptions> add_name(CLI::App& verb, const char* what) {
  auto options = std::make_shared<FileOptions>();
  verb.add_option("name", options->label, what)->required();
  return options;
}

void add_key_part_verbs(CLI::App& tke, Context& context) {
  CLI::App* add =
      tke.add_subcommand("mk-add", "make a master key part in a password-protected file");
  auto options = add_name(*add, "name of the part, 1 to 30 letters, digits, '.', '-', '_'");
  auto* random = add->add_flag("--random", options->random, "32 random bytes");
  auto* value = add->add_option("--value-file", options->value_file,
                                "file with the value as 64 hex digits, - for standard input");
  value->excludes(random);
  add->add_flag("--paper", options->paper, "type the lines of a printed page (mk-print)")
      ->excludes(random)
      ->excludes(value);
  add->add_option("--paper-file", options->paper_file,
                  "file with the typed lines of a printed page, - for standard input")
      ->excludes(random)
      ->excludes(value);
  add->add_option("--password-file", options->password_file,
                  "file with the new password (default: ask)");
  on(*add, context, [&context, options] { return add_key_part(context, *options); });
  CLI::App* list = tke.add_subcommand("mks", "list the key parts with their verification patterns");
  on(*list, context, [&context] { return list_key_parts(context); });
  CLI::App* remove = tke.add_subcommand("mk-rm", "remove a key part file");
  auto doomed = add_name(*remove, "name or KEYNUM of the part");
  remove->add_flag("--yes,-y", doomed->yes, "do not ask for confirmation");
  on(*remove, context, [&context, doomed]() -> Result<void> {
    const CeremonyFiles files = KH_TRY(CeremonyFiles::open(context));
    const KeyPartFile file = KH_TRY(files.find_key_part(doomed->label));
    return remove_key_file(context, files, file.path, "key part " + file.label, doomed->yes);
  });
}

}  // namespace

void add_tke_file_verbs(CLI::App& tke, Context& context) { add_key_part_verbs(tke, context); }

}  // namespace keyhaven::cli
