// key rotate, versions, wrap, unwrap, rewrap.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/key_output.h"
#include "cli/material.h"
#include "cli/output.h"

namespace keyhaven::cli {
namespace {

constexpr std::size_t kMaxCiphertextText = 64 * 1024;

struct DekOptions {
  std::string ref;
  std::string plaintext_file;
  bool plaintext_stdin = false;
  bool raw = false;
  std::string ciphertext;
  std::string ciphertext_file;
  std::string plaintext_out;
  client::AadList aad;
};

void add_common(CLI::App& command, DekOptions& options) {
  command.add_option("key", options.ref, "root key: id or alias")->required();
  command
      .add_option("--aad", options.aad,
                  "additional authenticated data; may be repeated, the order counts")
      ->take_all();
}

Result<std::string> ciphertext_of(const DekOptions& options) {
  if (options.ciphertext.empty() == options.ciphertext_file.empty()) {
    return Error{Reason::InvalidArgument, "give the ciphertext, or --ciphertext-file, but not both",
                 "ciphertext"};
  }
  if (!options.ciphertext.empty()) return options.ciphertext;
  std::string text = KH_TRY(read_text(options.ciphertext_file, kMaxCiphertextText));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

Result<void> wrap(Context& context, const DekOptions& options) {
  SecretBytes plaintext;
  if (options.plaintext_stdin || !options.plaintext_file.empty()) {
    plaintext =
        KH_TRY(read_material(context, options.plaintext_stdin ? "-" : options.plaintext_file,
                             options.raw ? Encoding::Raw : Encoding::Base64));
  }
  client::ApiClient api = KH_TRY(context.instance_api());
  const client::WrapResult wrapped = KH_TRY(api.wrap(options.ref, plaintext, options.aad));
  if (!options.plaintext_out.empty() && !wrapped.plaintext.empty()) {
    KH_TRY(write_material(context, options.plaintext_out, wrapped.plaintext));
  }
  Table table({"FIELD", "VALUE"});
  table.add({"ciphertext", wrapped.ciphertext});
  table.add({"version", wrapped.version_id});
  if (!wrapped.plaintext.empty()) {
    table.add(
        {"plaintext", options.plaintext_out.empty()
                          ? "generated, not shown: unwrap the ciphertext, or give --plaintext-out"
                          : options.plaintext_out});
  }
  return show(
      context, table,
      boost::json::object{{"ciphertext", wrapped.ciphertext}, {"version", wrapped.version_id}});
}

Result<void> unwrap(Context& context, const DekOptions& options) {
  const std::string ciphertext = KH_TRY(ciphertext_of(options));
  client::ApiClient api = KH_TRY(context.instance_api());
  const client::UnwrapResult opened = KH_TRY(api.unwrap(options.ref, ciphertext, options.aad));
  KH_TRY(write_material(context, options.plaintext_out, opened.plaintext));
  if (options.plaintext_out == "-") return {};
  Table table({"FIELD", "VALUE"});
  table.add({"plaintext", options.plaintext_out});
  table.add({"version", opened.version_id});
  boost::json::object json{{"plaintext_file", options.plaintext_out},
                           {"version", opened.version_id}};
  if (!opened.ciphertext.empty()) {
    table.add({"newer ciphertext", opened.ciphertext});
    table.add({"newer version", opened.rewrapped_version_id});
    json["ciphertext"] = opened.ciphertext;
    json["rewrapped_version"] = opened.rewrapped_version_id;
  }
  return show(context, table, json);
}

Result<void> rewrap(Context& context, const DekOptions& options) {
  const std::string ciphertext = KH_TRY(ciphertext_of(options));
  client::ApiClient api = KH_TRY(context.instance_api());
  const client::RewrapResult renewed = KH_TRY(api.rewrap(options.ref, ciphertext, options.aad));
  Table table({"FIELD", "VALUE"});
  table.add({"ciphertext", renewed.ciphertext});
  table.add({"version of the input", renewed.version_id});
  table.add({"version", renewed.rewrapped_version_id});
  return show(context, table,
              boost::json::object{{"ciphertext", renewed.ciphertext},
                                  {"version", renewed.version_id},
                                  {"rewrapped_version", renewed.rewrapped_version_id}});
}

void add_wrap(CLI::App& key, Context& context) {
  auto options = std::make_shared<DekOptions>();
  CLI::App* command = key.add_subcommand(
      "wrap", "wrap a DEK; without a plaintext the service makes one of 32 bytes");
  add_common(*command, *options);
  auto* file = command->add_option("--plaintext-file", options->plaintext_file,
                                   "file with the DEK as base64");
  command
      ->add_flag("--plaintext-stdin", options->plaintext_stdin,
                 "read the DEK as base64 from standard input")
      ->excludes(file);
  command->add_flag("--raw", options->raw, "the DEK is given as its bytes, not base64");
  command->add_option(
      "--plaintext-out", options->plaintext_out,
      "write a generated DEK as base64 to this new file (0600), - for standard output");
  on(*command, context, [&context, options] { return wrap(context, *options); });
}

void add_unwrap(CLI::App& key, Context& context) {
  auto options = std::make_shared<DekOptions>();
  CLI::App* command = key.add_subcommand("unwrap", "open a wrapped DEK");
  add_common(*command, *options);
  command->add_option("ciphertext", options->ciphertext, "the wrapped DEK (base64)");
  command->add_option("--ciphertext-file", options->ciphertext_file, "file with the wrapped DEK");
  command
      ->add_option("--plaintext-out", options->plaintext_out,
                   "write the DEK as base64 to this new file (0600), - for standard output")
      ->required();
  on(*command, context, [&context, options] { return unwrap(context, *options); });
}

void add_rewrap(CLI::App& key, Context& context) {
  auto options = std::make_shared<DekOptions>();
  CLI::App* command =
      key.add_subcommand("rewrap", "wrap a DEK again under the key's newest version");
  add_common(*command, *options);
  command->add_option("ciphertext", options->ciphertext, "the wrapped DEK (base64)");
  command->add_option("--ciphertext-file", options->ciphertext_file, "file with the wrapped DEK");
  on(*command, context, [&context, options] { return rewrap(context, *options); });
}

void add_rotate(CLI::App& key, Context& context) {
  auto ref = std::make_shared<std::string>();
  auto payload_file = std::make_shared<std::string>();
  auto raw = std::make_shared<bool>(false);
  CLI::App* command =
      key.add_subcommand("rotate", "give a root key a new version; old versions still unwrap");
  command->add_option("key", *ref, "key id or alias")->required();
  command->add_option(
      "--payload-file", *payload_file,
      "new material of an imported key: a file with base64 text, - for standard input");
  command->add_flag("--raw", *raw, "the payload file holds the bytes themselves, not base64");
  on(*command, context, [&context, ref, payload_file, raw]() -> Result<void> {
    SecretBytes payload;
    if (!payload_file->empty()) {
      payload =
          KH_TRY(read_material(context, *payload_file, *raw ? Encoding::Raw : Encoding::Base64));
    }
    client::ApiClient api = KH_TRY(context.instance_api());
    KH_TRY(api.rotate_key(*ref, payload.empty() ? nullptr : &payload));
    const client::Key now = KH_TRY(api.get_metadata(*ref));
    return show_key(context, now);
  });
}

void add_versions(CLI::App& key, Context& context) {
  auto ref = std::make_shared<std::string>();
  CLI::App* command = key.add_subcommand("versions", "list a root key's versions, newest first");
  command->add_option("key", *ref, "key id or alias")->required();
  on(*command, context, [&context, ref]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.instance_api());
    const auto versions = KH_TRY(api.versions(*ref));
    Table table({"VERSION ID", "CREATED"});
    boost::json::array json;
    for (const client::KeyVersion& version : versions) {
      table.add({version.id, time_text(version.created)});
      json.push_back(
          boost::json::object{{"id", version.id}, {"created", time_text(version.created)}});
    }
    return show(context, table, boost::json::object{{"versions", json}});
  });
}

}  // namespace

void add_key_action_commands(CLI::App& key, Context& context) {
  add_rotate(key, context);
  add_versions(key, context);
  add_wrap(key, context);
  add_unwrap(key, context);
  add_rewrap(key, context);
}

}  // namespace keyhaven::cli
