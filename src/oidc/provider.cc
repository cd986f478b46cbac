#include "oidc/provider.h"

#include "net/url.h"

namespace keyhaven::oidc {
namespace {

Error refused(std::string message) { return {Reason::Unauthenticated, std::move(message), {}}; }

// What reached nobody says where it was going, for the operator.
Error not_reached(const Error& error, const Endpoint& endpoint) {
  return {error.reason, "the OpenID provider at " + endpoint.origin + ": " + error.message, {}};
}

void add(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty()) out += '&';
  out.append(name).append("=").append(net::percent_encode(value));
}

void add_secret(std::string& out, std::string_view name, const SecretBytes& value) {
  std::string encoded = net::percent_encode(as_text(value.expose()));
  out.append("&").append(name).append("=").append(encoded);
  wipe(encoded);
}

SecretBytes take_secret(std::string& text) {
  SecretBytes out = SecretBytes::copy_of(text);
  wipe(text);
  return out;
}

// RFC 6749 section 2.3.1: both parts form-encoded first.
SecretBytes basic_authorization(const std::string& client_id, const SecretBytes& client_secret) {
  std::string encoded = net::percent_encode(as_text(client_secret.expose()));
  std::string pair;
  pair.reserve(3 * client_id.size() + 1 + encoded.size());  // no reallocation leaves a copy behind
  pair.append(net::percent_encode(client_id)).append(":").append(encoded);
  std::string base64 = to_base64(as_bytes(pair));
  std::string value;
  value.reserve(8 + base64.size());
  value.append("Basic ").append(base64);
  for (std::string* text : {&encoded, &pair, &base64}) wipe(*text);
  return take_secret(value);
}

}  // namespace

Provider::Provider(ProviderOptions options, Transport& transport, const Clock& clock)
    : options_(std::move(options)), transport_(transport), clock_(clock) {}

bool Provider::is_fresh(Timestamp read, std::int64_t seconds) const {
  const Timestamp now = clock_.now();
  return read.is_set() && read <= now && now < read.plus_seconds(seconds);
}

std::string Provider::authorization_url_at(const ProviderMetadata& metadata,
                                           const LoginState& login) const {
  std::string query;
  add(query, "response_type", "code");
  add(query, "client_id", options_.client_id);
  add(query, "redirect_uri", options_.redirect_uri);
  add(query, "scope", options_.scopes);
  add(query, "state", login.state);
  add(query, "nonce", login.nonce);
  add(query, "code_challenge", code_challenge(login));
  add(query, "code_challenge_method", "S256");
  if (options_.max_age_seconds > 0) add(query, "max_age", std::to_string(options_.max_age_seconds));
  std::string wanted;
  for (const std::string& value : options_.acr_values)
    wanted += (wanted.empty() ? "" : " ") + value;
  if (!wanted.empty()) add(query, "acr_values", wanted);
  const std::string address = metadata.authorization.url();
  return address + (address.find('?') == std::string::npos ? "?" : "&") + query;
}

std::optional<std::string> Provider::known_authorization_url(const LoginState& login) const {
  const MetadataPtr metadata = kept_metadata();
  if (!metadata) return std::nullopt;
  return authorization_url_at(*metadata, login);
}

Result<std::string> Provider::authorization_url(const LoginState& login) {
  const MetadataPtr found = KH_TRY(metadata());
  return authorization_url_at(*found, login);
}

Result<void> Provider::check_answer_issuer(const std::optional<std::string>& given) const {
  if (!given || *given == options_.issuer) return {};
  return refused("the answer names another issuer than oidc.issuer");
}

Provider::MetadataPtr Provider::kept_metadata() const {
  const std::lock_guard lock(mutex_);
  return is_fresh(metadata_.read, kKeptSeconds) ? metadata_.document : nullptr;
}

// Under reading_.
template <class Parse>
auto Provider::read(const Endpoint& endpoint, Parse parse)
    -> decltype(parse(std::declval<std::string_view>())) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_ && is_fresh(failed_, kPauseAfterFailureSeconds)) return *failure_;
  }
  const auto body = ask(endpoint);
  auto parsed = body ? parse(as_text(body->expose())) : body.error();
  const std::lock_guard lock(mutex_);
  failure_ = parsed ? std::nullopt : std::optional(parsed.error());
  failed_ = clock_.now();
  return parsed;
}

Result<SecretBytes> Provider::ask(const Endpoint& endpoint) {
  auto answer = transport_.get(endpoint);
  if (!answer) return not_reached(answer.error(), endpoint);
  if (answer->status == 200) return std::move(answer->body);
  return refused("the OpenID provider answered " + std::to_string(answer->status) + " at " +
                 endpoint.url());
}

Result<Provider::MetadataPtr> Provider::metadata() {
  const std::lock_guard one_at_a_time(reading_);
  if (MetadataPtr kept = kept_metadata()) return kept;  // somebody else has just read it
  const Endpoint endpoint = KH_TRY(discovery_endpoint(options_.issuer));
  auto parsed = KH_TRY(read(
      endpoint, [this](std::string_view body) { return parse_metadata(body, options_.issuer); }));
  auto made = std::make_shared<const ProviderMetadata>(std::move(parsed));
  const std::lock_guard lock(mutex_);
  metadata_ = {made, clock_.now()};
  return made;
}

Result<Provider::KeysPtr> Provider::keys(const ProviderMetadata& metadata,
                                         std::int64_t not_older_than_seconds) {
  const std::lock_guard one_at_a_time(reading_);
  {
    const std::lock_guard lock(mutex_);
    if (is_fresh(keys_.read, not_older_than_seconds)) return keys_.document;
  }
  auto parsed = KH_TRY(read(metadata.keys, parse_key_set));
  auto made = std::make_shared<const Keys>(std::move(parsed));
  const std::lock_guard lock(mutex_);
  keys_ = {made, clock_.now()};
  return made;
}

Result<std::string> Provider::exchange(const ProviderMetadata& metadata, const std::string& code,
                                       const LoginState& login) {
  std::string form;
  form.reserve(8192);  // no reallocation leaves a copy of the client's secret behind
  add(form, "grant_type", "authorization_code");
  add(form, "code", code);
  add(form, "redirect_uri", options_.redirect_uri);
  add(form, "client_id", options_.client_id);
  add(form, "code_verifier", login.verifier);
  SecretBytes authorization;
  const bool has_secret = !options_.client_secret.empty();
  if (has_secret && metadata.authentication == ClientAuthentication::Basic)
    authorization = basic_authorization(options_.client_id, options_.client_secret);
  if (has_secret && metadata.authentication == ClientAuthentication::Post)
    add_secret(form, "client_secret", options_.client_secret);
  auto answer = transport_.post_form(metadata.token, take_secret(form), std::move(authorization));
  if (!answer) return not_reached(answer.error(), metadata.token);
  const std::string_view body = as_text(answer->body.expose());
  if (answer->status == 200) return parse_token_answer(body);
  // A provider in trouble is another matter than one that refuses.
  if (answer->status >= 500) {
    return Error{Reason::Io,
                 "the OpenID provider answered " + std::to_string(answer->status) + " at " +
                     metadata.token.origin,
                 {}};
  }
  return refused("the OpenID provider refused the code: " + std::to_string(answer->status) + ", " +
                 std::string(token_error_of(body)));
}

Result<std::string> Provider::finish(const Answer& answer, const LoginState& login) {
  const MetadataPtr found = KH_TRY(metadata());
  if (found->sends_issuer && !answer.has_issuer)
    return refused("the answer lacks `iss`, which this provider always sends");
  std::string token = KH_TRY(exchange(*found, answer.code, login));
  const ExpectedToken expected{.issuer = options_.issuer,
                               .client_id = options_.client_id,
                               .nonce = login.nonce,
                               .max_age_seconds = options_.max_age_seconds,
                               .acr_values = options_.acr_values};
  KeysPtr known = KH_TRY(keys(*found, kKeptSeconds));
  auto subject = verify_id_token(token, *known, expected, clock_.now());
  if (!subject && subject.error().reason == Reason::NotFound) {
    known = KH_TRY(keys(*found, kPauseBetweenKeyReadsSeconds));
    subject = verify_id_token(token, *known, expected, clock_.now());
  }
  wipe(token);
  return subject;
}

}  // namespace keyhaven::oidc
