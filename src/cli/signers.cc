// Choices of administrators, as they are typed, to keys that sign.
#include <algorithm>

#include "cli/ceremony.h"
#include "cli/context.h"
#include "cli/service_signer.h"
#include "cli/token_signer.h"
#include "crypto/hash.h"
#include "tke/certificate.h"
#include "tke/signing_service.h"

namespace keyhaven::cli {
namespace {

constexpr std::string_view kServiceScheme = "service:";
constexpr std::size_t kPinLabelDigits = 16;

bool has_scheme(std::string_view text) {
  return text.starts_with(tke::kPkcs11Scheme) || text.starts_with(kServiceScheme);
}

// "NAME=pkcs11:..." and "NAME=service:...": a URI has equals signs and colons of its own, so these
// are told apart before the rest is cut up. Without such a scheme: nothing.
std::optional<KeyChoice> scheme_choice(const std::string& text) {
  KeyChoice out;
  std::string rest = text;
  if (!has_scheme(rest)) {
    const auto equals = rest.find('=');
    if (equals == std::string::npos || equals == 0) return std::nullopt;
    out.name = rest.substr(0, equals);
    rest.erase(0, equals + 1);
    if (!has_scheme(rest)) return std::nullopt;
  }
  if (rest.starts_with(kServiceScheme)) {
    const auto colon = rest.find(':', kServiceScheme.size());
    if (colon != std::string::npos) {
      out.password_file = rest.substr(colon + 1);
      rest.resize(colon);
    }
  }
  out.key = std::move(rest);
  return out;
}

std::string short_name(std::string_view text) {
  return std::string(text.substr(0, tke::kMaxAdministratorNameBytes));
}

// Opens choice after choice; what several share (tokens, the service's address) is opened once.
class Opener {
 public:
  Opener(Context& context, const CeremonyFiles& files)
      : context_(context), files_(files), tokens_(context) {}

  Result<Administrator> open(const KeyChoice& choice, const std::vector<Administrator>& others) {
    Administrator out;
    if (choice.key.starts_with(tke::kPkcs11Scheme)) {
      out = KH_TRY(from_token(choice.key, choice.password_file));
    } else if (choice.key.starts_with(kServiceScheme)) {
      const SigningService service = KH_TRY(signing_service(context_));
      out = KH_TRY(
          from_service(service, choice.key.substr(kServiceScheme.size()), choice.password_file));
    } else {
      out = KH_TRY(from_files(choice, others));
    }
    if (!choice.name.empty()) out.name = choice.name;
    KH_TRY(check_once(out.signer->ski(), choice.key, others));
    return out;
  }

 private:
  static Result<void> check_once(const tke::Ski& ski, const std::string& key,
                                 const std::vector<Administrator>& others) {
    const bool twice = std::any_of(others.begin(), others.end(), [&](const Administrator& other) {
      return other.signer->ski() == ski;
    });
    if (!twice) return {};
    return Error{Reason::InvalidArgument, "signature key " + key + " is named twice", "admin"};
  }

  Result<Administrator> from_files(const KeyChoice& choice,
                                   const std::vector<Administrator>& others) {
    const SignatureKeyFile file = KH_TRY(files_.find_signature_key(choice.key));
    KH_TRY(check_once(file.info.ski, file.label, others));
    if (file.reference) return from_reference(file, choice.password_file);
    const SecretBytes password =
        KH_TRY(password_for(context_, choice.password_file, "signature key " + file.label));
    std::unique_ptr<tke::Signer> signer = KH_TRY(load_signature_key(file, password));
    return Administrator{file.administrator(), std::move(signer), std::nullopt};
  }

  Result<Administrator> from_reference(const SignatureKeyFile& file,
                                       const std::string& password_file) {
    const tke::SignerReference& reference = *file.reference;
    Administrator out;
    if (reference.place == tke::SignerPlace::Token) {
      out = KH_TRY(from_token(reference.uri, password_file));
    } else {
      SigningService service = KH_TRY(service_of(reference));
      out = KH_TRY(from_service(service, reference.service_key, password_file));
    }
    if (out.signer->ski() != reference.ski) return changed(file);
    out.name = file.administrator();
    out.unpinned.reset();
    return out;
  }

  // The reference's own address; the CA is the environment's.
  Result<SigningService> service_of(const tke::SignerReference& reference) const {
    SigningService out;
    if (!context_.variable("TKE_SIGNSERV_URL").empty()) out = KH_TRY(signing_service(context_));
    out.url = reference.service_url;
    return out;
  }

  Result<Administrator> from_token(const std::string& text, const std::string& pin_file) {
    const tke::Pkcs11Uri uri = KH_TRY(tke::parse_pkcs11_uri(text));
    std::shared_ptr<token::Token> token = KH_TRY(tokens_.open(uri, pin_file));
    std::unique_ptr<tke::Signer> signer = KH_TRY(find_token_signer(std::move(token), uri));
    std::string name = uri.object.empty() ? to_hex(signer->ski()).substr(0, kPinLabelDigits)
                                          : short_name(uri.object);
    return Administrator{std::move(name), std::move(signer), std::nullopt};
  }

  Result<Administrator> from_service(const SigningService& service, const std::string& key_name,
                                     const std::string& token_file) {
    const std::string file =
        token_file.empty() ? context_.variable("TKE_SIGNSERV_TOKEN_FILE") : token_file;
    SecretBytes token =
        KH_TRY(password_for(context_, file, "signing service, key " + key_name + " (its token)"));
    Administrator out;
    out.signer = KH_TRY(open_service_signer(service, key_name, std::move(token)));
    out.name = short_name(key_name);
    tke::SignerReference reference;
    reference.place = tke::SignerPlace::Service;
    reference.name = out.name;
    reference.ski = out.signer->ski();
    reference.service_url = service.url;
    reference.service_key = key_name;
    KH_TRY(check_pin(reference, out));
    return out;
  }

  // Against the file that names the same key of the same service, if there is one.
  Result<void> check_pin(const tke::SignerReference& reference,
                         Administrator& administrator) const {
    const auto files = KH_TRY(files_.signature_keys());
    for (const SignatureKeyFile& file : files) {
      if (!file.reference || file.reference->service_url != reference.service_url ||
          file.reference->service_key != reference.service_key) {
        continue;
      }
      if (file.info.ski != reference.ski) return changed(file);
      return {};
    }
    administrator.unpinned = reference;
    return {};
  }

  static Error changed(const SignatureKeyFile& file) {
    return {Reason::Forbidden,
            "the public key behind " + file.label + " is not the one that " + file.path +
                " remembers (subject key identifier " + to_hex(file.info.ski) +
                "). If the key was replaced on purpose, install it as a new administrator after "
                "\"keyhaven tke sigkey-rm " +
                file.label + '"',
            "signer"};
  }

  Context& context_;
  const CeremonyFiles& files_;
  Tokens tokens_;
};

}  // namespace

Result<KeyChoice> parse_key_choice(const std::string& text) {
  if (auto with_scheme = scheme_choice(text)) return std::move(*with_scheme);
  KeyChoice out;
  std::string rest = text;
  const auto colon = rest.find(':');
  if (colon != std::string::npos) {
    out.password_file = rest.substr(colon + 1);
    rest.resize(colon);
    if (out.password_file.empty())
      return Error{
          Reason::InvalidArgument, '"' + text + "\": no password file after the colon", {}};
  }
  if (const auto equals = rest.find('='); equals != std::string::npos) {
    out.name = rest.substr(0, equals);
    rest.erase(0, equals + 1);
    if (out.name.empty())
      return Error{Reason::InvalidArgument, '"' + text + "\": no name before the equals sign", {}};
  }
  if (rest.empty())
    return Error{
        Reason::InvalidArgument, '"' + text + "\" names no key: [NAME=]KEY[:PASSWORDFILE]", {}};
  out.key = std::move(rest);
  return out;
}

Result<std::vector<Administrator>> open_administrators(Context& context, const CeremonyFiles& files,
                                                       const std::vector<std::string>& choices) {
  std::vector<Administrator> out;
  Opener opener(context, files);
  for (const std::string& text : choices) {
    const KeyChoice choice = KH_TRY(parse_key_choice(text));
    Administrator opened = KH_TRY(opener.open(choice, out));
    out.push_back(std::move(opened));
  }
  return out;
}

Result<void> pin_administrators(const CeremonyFiles& files,
                                const std::vector<Administrator>& administrators) {
  for (const Administrator& administrator : administrators) {
    if (!administrator.unpinned) continue;
    const tke::SignerReference& reference = *administrator.unpinned;
    const Digest digest = crypto::sha256(
        {as_bytes(reference.service_url), as_bytes("\n"), as_bytes(reference.service_key)});
    const std::string label = "service-" + to_hex(digest).substr(0, kPinLabelDigits);
    const SignatureKeyFile file = KH_TRY(files.add_signer_reference(label, reference));
    static_cast<void>(file);
  }
  return {};
}

}  // namespace keyhaven::cli
