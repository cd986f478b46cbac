#include "cli/service_signer.h"

#include "cli/context.h"
#include "net/http_client.h"
#include "tke/signing_service.h"

namespace keyhaven::cli {
namespace {

constexpr std::size_t kMaxCaBytes = 1024 * 1024;

Error from_service(Reason reason, const std::string& key_name, const std::string& what) {
  return {reason, "signing service, key " + key_name + ": " + what, "signer"};
}

// The answer's text when its status says success; the body of a refusal is never shown.
Result<std::string> text_of(const std::string& key_name, const net::ClientResponse& response) {
  const int status = response.status;
  if (status >= 200 && status < 300) return std::string(as_text(response.body.expose()));
  const std::string code = " (HTTP " + std::to_string(status) + ")";
  if (status == 401 || status == 403)
    return from_service(Reason::Forbidden, key_name, "the token is refused" + code);
  if (status == 404) return from_service(Reason::NotFound, key_name, "there is no such key" + code);
  return from_service(Reason::Io, key_name, "the request failed" + code);
}

class ServiceSigner final : public tke::P521Signer {
 public:
  ServiceSigner(net::HttpClient http, std::string key_name, SecretBytes token,
                crypto::P521PublicKey key)
      : http_(std::move(http)),
        key_name_(std::move(key_name)),
        token_(std::move(token)),
        key_(std::move(key)) {}

  const crypto::P521PublicKey& public_key() const override { return key_; }

  Result<Bytes> sign(ByteView message) const override {
    net::ClientRequest request;
    request.method = "POST";
    request.target = "/sign/" + key_name_;
    request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    request.authorization = token_.clone();
    request.body = SecretBytes::copy_of(std::string_view(tke::signing_request(message)));
    request.has_body = true;
    const net::ClientResponse response = KH_TRY(http_.send(request));
    const std::string text = KH_TRY(text_of(key_name_, response));
    auto signature = tke::parse_signature_answer(text);
    if (!signature) return from_service(Reason::BadBody, key_name_, signature.error().message);
    if (!key_.verify_sha512_der(message, *signature)) {
      return from_service(Reason::Forbidden, key_name_,
                          "it answered a signature that its public key does not verify");
    }
    return signature;
  }

 private:
  mutable net::HttpClient http_;  // one thread, as every signer
  std::string key_name_;
  SecretBytes token_;
  crypto::P521PublicKey key_;
};

}  // namespace

Result<SigningService> signing_service(const Context& context) {
  SigningService out;
  out.url = context.variable("TKE_SIGNSERV_URL");
  while (out.url.ends_with('/')) out.url.pop_back();
  if (out.url.empty()) {
    return Error{Reason::InvalidArgument,
                 "TKE_SIGNSERV_URL is not set: it is the address of the signing service, "
                 "https://HOST[:PORT]",
                 "TKE_SIGNSERV_URL"};
  }
  const std::string ca_file = context.variable("TKE_SIGNSERV_CA");
  if (!ca_file.empty()) out.ca_pem = KH_TRY(read_text(ca_file, kMaxCaBytes));
  return out;
}

Result<std::unique_ptr<tke::Signer>> open_service_signer(const SigningService& service,
                                                         const std::string& key_name,
                                                         SecretBytes token) {
  if (!tke::is_signing_key_name(key_name)) {
    return Error{Reason::InvalidArgument,
                 "the name of a signing service's key has 1 to 128 letters, digits, '-', '.', '_' "
                 "or '~'",
                 "signer"};
  }
  net::ClientOptions options;
  options.base_url = service.url;
  options.ca_pem = service.ca_pem;
  options.max_response_bytes = tke::kMaxSigningAnswerBytes;
  net::HttpClient http = KH_TRY(net::HttpClient::create(std::move(options)));
  net::ClientRequest request;
  request.target = "/keys/" + key_name;
  request.headers = {{"Accept", "application/json"}};
  request.authorization = token.clone();
  const net::ClientResponse response = KH_TRY(http.send(request));
  const std::string text = KH_TRY(text_of(key_name, response));
  auto key = tke::parse_signing_key_answer(text);
  if (!key) return from_service(Reason::BadBody, key_name, key.error().message);
  std::unique_ptr<tke::Signer> signer = std::make_unique<ServiceSigner>(
      std::move(http), key_name, std::move(token), std::move(key).value());
  return signer;
}

}  // namespace keyhaven::cli
