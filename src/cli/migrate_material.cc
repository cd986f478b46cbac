#include "cli/migrate_material.h"

#include <CLI/CLI.hpp>

#include "cli/context.h"
#include "cli/token_signer.h"

namespace keyhaven::cli {
namespace {

constexpr std::size_t kMostCsv = 4 * 1024 * 1024;
constexpr std::size_t kMostRaw = 64;

struct Entry {
  std::string key;
  std::string from;
};

Result<Entry> split(const std::string& text, const char* option) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
    return Error{Reason::InvalidArgument, std::string(option) + " takes KEY=WHERE", option + 2};
  }
  return Entry{text.substr(0, equals), text.substr(equals + 1)};
}

Result<void> add_files(Context& context, const MaterialArguments& arguments,
                       migrate::Material& material) {
  for (const std::string& text : arguments.files) {
    const Entry entry = KH_TRY(split(text, "--material-file"));
    if (entry.from != "-") {
      KH_TRY(material.add_file(entry.key, entry.from));
      continue;
    }
    SecretBytes bytes = KH_TRY(read_secret(context, "-", kMostRaw, Newline::Keep));
    KH_TRY(material.add(entry.key, std::move(bytes), "standard input"));
  }
  return {};
}

Result<void> add_tokens(Context& context, const MaterialArguments& arguments,
                        migrate::Material& material) {
  Tokens tokens(context);
  for (const std::string& text : arguments.tokens) {
    const Entry entry = KH_TRY(split(text, "--material-token"));
    const tke::Pkcs11Uri uri = KH_TRY(tke::parse_pkcs11_uri(entry.from));
    const std::shared_ptr<token::Token> token = KH_TRY(tokens.open(uri, arguments.pin_file));
    SecretBytes value = KH_TRY(token->take_out({uri.object, uri.id}));
    KH_TRY(material.add(entry.key, std::move(value), "the token"));
  }
  return {};
}

// Standard input has one end: two secrets cannot both come from it.
Result<void> check_standard_input(const MaterialArguments& arguments) {
  std::size_t readers = arguments.csv == "-" ? 1 : 0;
  for (const std::string& text : arguments.files) readers += text.ends_with("=-") ? 1 : 0;
  if (readers <= 1) return {};
  return Error{Reason::InvalidArgument,
               "only one of --material and --material-file can read standard input", "material"};
}

}  // namespace

void add_material_options(CLI::App& command, MaterialArguments& arguments) {
  command.add_option("--material", arguments.csv,
                     "material of imported keys: CSV id,payload (mode 0600), or - for standard "
                     "input");
  command.add_option("--material-file", arguments.files,
                     "KEY=FILE with raw material (or KEY=-); repeat for versions, oldest first");
  command.add_option("--material-token", arguments.tokens,
                     "KEY=pkcs11:token=T;object=O?module-path=M, where the token lets the key out; "
                     "repeat for versions");
  command.add_option("--material-pin-file", arguments.pin_file, "file with the token's PIN");
}

Result<migrate::Material> load_material(Context& context, const MaterialArguments& arguments) {
  KH_TRY(check_standard_input(arguments));
  migrate::Material material;
  if (arguments.csv == "-") {
    const SecretBytes csv = KH_TRY(read_secret(context, "-", kMostCsv, Newline::Keep));
    material = KH_TRY(migrate::Material::parse_csv(csv, "standard input"));
  } else if (!arguments.csv.empty()) {
    material = KH_TRY(migrate::Material::load_csv(arguments.csv));
  }
  KH_TRY(add_files(context, arguments, material));
  KH_TRY(add_tokens(context, arguments, material));
  return material;
}

}  // namespace keyhaven::cli
