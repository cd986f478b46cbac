#include "tke/signer_file.h"

#include "tke/certificate.h"
#include "tke/pkcs11_uri.h"
#include "tke/signing_service.h"

namespace keyhaven::tke {

namespace {

constexpr std::string_view kTokenType = "keyhaven-token-key";
constexpr std::string_view kServiceType = "keyhaven-service-key";
constexpr std::size_t kMaxUrlBytes = 1024;

bool is_good(const SignerReference& reference) {
  if (reference.name.empty() || reference.name.size() > kMaxAdministratorNameBytes ||
      !is_plain_text(reference.name)) {
    return false;
  }
  if (reference.place == SignerPlace::Token) {
    const auto uri = parse_pkcs11_uri(reference.uri);
    return uri && format_pkcs11_uri(*uri) == reference.uri;
  }
  return reference.service_url.starts_with("https://") &&
         reference.service_url.size() <= kMaxUrlBytes && is_plain_text(reference.service_url) &&
         is_signing_key_name(reference.service_key);
}

}  // namespace

Result<std::string> encode_signer_reference(const SignerReference& reference) {
  if (!is_good(reference)) {
    return Error{Reason::InvalidField, "the name, URI or URL of a signature key is malformed",
                 "name"};
  }
  StringFields fields = {{"name", reference.name}, {"ski", to_hex(reference.ski)}};
  if (reference.place == SignerPlace::Token) {
    fields["keyType"] = kTokenType;
    fields["uri"] = reference.uri;
  } else {
    fields["keyType"] = kServiceType;
    fields["url"] = reference.service_url;
    fields["key"] = reference.service_key;
  }
  return write_string_fields(fields);
}

Result<SignerReference> parse_signer_reference(std::string_view text) {
  const StringFields fields = KH_TRY(read_string_fields(text));
  SignerReference out;
  const std::string_view type = field(fields, "keyType");
  if (type != kTokenType && type != kServiceType) {
    return malformed_key_file("field keyType names neither a token nor a signing service");
  }
  out.place = type == kTokenType ? SignerPlace::Token : SignerPlace::Service;
  out.name = field(fields, "name");
  out.ski = KH_TRY(digest_field(fields, "ski"));
  if (out.place == SignerPlace::Token) {
    out.uri = field(fields, "uri");
  } else {
    out.service_url = field(fields, "url");
    out.service_key = field(fields, "key");
  }
  if (!is_good(out)) return malformed_key_file("field name, uri, url or key is malformed");
  return out;
}

}  // namespace keyhaven::tke
