// tke sigkey-add, sigkeys, sigkey-rm: administrators' signature keys in files, tokens and at
// signing services. No crypto unit is asked.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/context.h"
#include "cli/output.h"
#include "cli/service_signer.h"
#include "cli/tke_verbs.h"
#include "cli/token_signer.h"

namespace keyhaven::cli {
namespace {

struct SignatureKeyOptions {
  std::string label;
  std::string password_file;
  std::string token_uri;
  std::string service_key;
  bool existing = false;
  bool yes = false;
};

std::string kind_of(const SignatureKeyFile& file) {
  if (file.reference)
    return file.reference->place == tke::SignerPlace::Token ? "token" : "signing service";
  return file.info.type == tke::SignatureKeyType::Rsa ? "file, RSA" : "file";
}

boost::json::object to_json(const SignatureKeyFile& file) {
  boost::json::object out = {{"name", file.label},
                             {"administrator", file.administrator()},
                             {"ski", to_hex(file.info.ski)},
                             {"kind", kind_of(file)},
                             {"file", file.path}};
  if (file.reference && file.reference->place == tke::SignerPlace::Token)
    out["uri"] = file.reference->uri;
  if (file.reference && file.reference->place == tke::SignerPlace::Service) {
    out["url"] = file.reference->service_url;
    out["key"] = file.reference->service_key;
  }
  return out;
}

Result<SignatureKeyFile> add_in_token(Context& context, const CeremonyFiles& files,
                                      const SignatureKeyOptions& options) {
  tke::Pkcs11Uri uri = KH_TRY(tke::parse_pkcs11_uri(options.token_uri));
  if (uri.object.empty()) uri.object = options.label;
  Tokens tokens(context);
  const std::shared_ptr<token::Token> token = KH_TRY(tokens.open(uri, options.password_file));
  const std::unique_ptr<tke::Signer> signer =
      KH_TRY(options.existing ? find_token_signer(token, uri) : make_token_signer(token, uri));
  tke::SignerReference reference;
  reference.name = options.label;
  reference.ski = signer->ski();
  reference.uri = tke::format_pkcs11_uri(exact_uri(std::move(uri), *token));
  return files.add_signer_reference(options.label, reference);
}

Result<SignatureKeyFile> add_at_service(Context& context, const CeremonyFiles& files,
                                        const SignatureKeyOptions& options) {
  const SigningService service = KH_TRY(signing_service(context));
  const std::string token_file = options.password_file.empty()
                                     ? context.variable("TKE_SIGNSERV_TOKEN_FILE")
                                     : options.password_file;
  SecretBytes token = KH_TRY(password_for(
      context, token_file, "signing service, key " + options.service_key + " (its token)"));
  const std::unique_ptr<tke::Signer> signer =
      KH_TRY(open_service_signer(service, options.service_key, std::move(token)));
  tke::SignerReference reference;
  reference.place = tke::SignerPlace::Service;
  reference.name = options.label;
  reference.ski = signer->ski();
  reference.service_url = service.url;
  reference.service_key = options.service_key;
  return files.add_signer_reference(options.label, reference);
}

Result<void> add_signature_key(Context& context, const SignatureKeyOptions& options) {
  const CeremonyFiles files = KH_TRY(CeremonyFiles::open(context));
  KH_TRY(files.check_signature_key_label(options.label));  // before a key is made anywhere
  const auto add = [&]() -> Result<SignatureKeyFile> {
    if (!options.token_uri.empty()) return add_in_token(context, files, options);
    if (!options.service_key.empty()) return add_at_service(context, files, options);
    const SecretBytes password =
        KH_TRY(new_password_for(context, options.password_file, "signature key " + options.label));
    return files.add_signature_key(options.label, password);
  };
  const SignatureKeyFile made = KH_TRY(add());
  Table table({"NAME", "SUBJECT KEY IDENTIFIER", "FILE"});
  table.add({made.label, to_hex(made.info.ski), made.path});
  return show(context, table, to_json(made));
}

Result<void> list_signature_keys(Context& context) {
  const CeremonyFiles files = KH_TRY(CeremonyFiles::open(context));
  const auto keys = KH_TRY(files.signature_keys());
  Table table({"KEYNUM", "DESCRIPTION", "SUBJECT KEY IDENTIFIER", "KIND"});
  boost::json::array json;
  for (std::size_t index = 0; index < keys.size(); ++index) {
    table.add({std::to_string(index + 1), keys[index].label, to_hex(keys[index].info.ski),
               kind_of(keys[index])});
    json.push_back(to_json(keys[index]));
  }
  return show(context, table, boost::json::object{{"signature_keys", json}});
}

Result<void> remove_signature_key(Context& context, const SignatureKeyOptions& options) {
  const CeremonyFiles files = KH_TRY(CeremonyFiles::open(context));
  const SignatureKeyFile file = KH_TRY(files.find_signature_key(options.label));
  const std::string what = file.reference ? "reference to signature key " + file.label +
                                                " (the key itself stays where it is)"
                                          : "signature key " + file.label;
  return remove_key_file(context, files, file.path, what, options.yes);
}

}  // namespace

void add_tke_sigkey_verbs(CLI::App& tke, Context& context) {
  CLI::App* add = tke.add_subcommand("sigkey-add",
                                     "make an administrator's signature key (P-521) in a "
                                     "password-protected file or in a token, or "
                                     "name one of a signing service");
  auto options = std::make_shared<SignatureKeyOptions>();
  add->add_option("name", options->label,
                  "name of the key and administrator, 1 to 30 letters, digits, '.', '-', '_'")
      ->required();
  add->add_option("--password-file", options->password_file,
                  "file with the new password, the PIN or the service's token (default: ask)");
  auto* token = add->add_option(
      "--token", options->token_uri,
      "make the key in a PKCS#11 token: pkcs11:token=LABEL[;object=LABEL]?module-path=FILE");
  auto* service = add->add_option("--service", options->service_key,
                                  "name of a key of the signing service at TKE_SIGNSERV_URL");
  token->excludes(service);
  add->add_flag("--existing", options->existing, "the token has the key already")->needs(token);
  on(*add, context, [&context, options] { return add_signature_key(context, *options); });
  CLI::App* list = tke.add_subcommand("sigkeys", "list the signature keys");
  on(*list, context, [&context] { return list_signature_keys(context); });
  CLI::App* remove =
      tke.add_subcommand("sigkey-rm", "remove a signature key file, or what names a key elsewhere");
  auto doomed = std::make_shared<SignatureKeyOptions>();
  remove->add_option("name", doomed->label, "name or KEYNUM of the key")->required();
  remove->add_flag("--yes,-y", doomed->yes, "do not ask for confirmation");
  on(*remove, context, [&context, doomed] { return remove_signature_key(context, *doomed); });
}

}  // namespace keyhaven::cli
