// ApiClient: policies, registrations, import tokens, migration intents.
#include <utility>

#include "client/connection.h"
#include "client/encode.h"

namespace keyhaven::client {
namespace {

constexpr std::uint32_t kPage = 200;
constexpr std::size_t kMaxItems = 5'000'000;  // an endless paging server does not fill the memory

std::string key_path(std::string_view ref) { return "/keys/" + percent_encode(ref); }

CallSpec spec_of(const char* method, std::string target, std::string what) {
  CallSpec spec;
  spec.method = method;
  spec.repeat = std::string_view(method) == "POST" ? Repeat::Never : Repeat::Safe;
  spec.target = std::move(target);
  spec.what = std::move(what);
  return spec;
}

CallSpec get(std::string target, std::string what) {
  return spec_of("GET", std::move(target), std::move(what));
}

CallSpec with_body(CallSpec spec, SecretBytes body) {
  spec.body = std::move(body);
  spec.has_body = true;
  return spec;
}

std::string quoted(std::string_view text) { return '"' + printable(text, 100) + '"'; }

bool is_route_missing(int status, std::string_view code) {
  return (status == 404 && code != "KEY_NOT_FOUND_ERR") || status == 405 || status == 501;
}

// Every page of a list of registrations; nullopt when `is_missing` says so of a refusal.
template <class Missing>
Result<std::optional<std::vector<Registration>>> all_pages(ApiClient::State& state,
                                                           const std::string& path,
                                                           const std::string& what,
                                                           std::uint32_t limit,
                                                           Missing is_missing) {
  std::vector<Registration> all;
  for (;;) {
    auto response = state.key_call(get(path + "?totalCount=true&limit=" + std::to_string(limit) +
                                           "&offset=" + std::to_string(all.size()),
                                       what));
    if (!response) {
      if (is_missing(state.failure)) return std::optional<std::vector<Registration>>();
      return std::move(response).error();
    }
    const auto page = KH_TRY(state.decoder.registrations(text_of(response.value().body)));
    std::copy(page.items.begin(), page.items.end(), std::back_inserter(all));
    if (page.is_last(all.size())) return std::optional(std::move(all));
    if (all.size() > kMaxItems)
      return Error{Reason::TooLarge, what + ": the server never ends its list", {}};
  }
}

}  // namespace

Result<std::optional<std::vector<Policy>>> ApiClient::key_policies(std::string_view ref) {
  auto response =
      state_->key_call(get(key_path(ref) + "/policies", "read policies of key " + quoted(ref)));
  if (!response) {
    if (is_route_missing(state_->failure.status, state_->failure.code))
      return std::optional<std::vector<Policy>>();
    return std::move(response).error();
  }
  auto policies = KH_TRY(state_->decoder.policies(text_of(response.value().body)));
  return std::optional(std::move(policies));
}

Result<std::vector<Policy>> ApiClient::set_key_policies(std::string_view ref,
                                                        const KeyPolicies& policies) {
  CallSpec spec = spec_of("PUT", key_path(ref) + "/policies", "set policies of key " + quoted(ref));
  auto response =
      KH_TRY(state_->key_call(with_body(std::move(spec), encode_key_policies(policies))));
  return state_->decoder.policies(text_of(response.body));
}

Result<std::optional<std::vector<Policy>>> ApiClient::instance_policies() {
  auto response = state_->key_call(get("/instance/policies", "read instance policies"));
  if (!response) {
    if (is_route_missing(state_->failure.status, state_->failure.code))
      return std::optional<std::vector<Policy>>();
    return std::move(response).error();
  }
  auto policies = KH_TRY(state_->decoder.policies(text_of(response.value().body)));
  return std::optional(std::move(policies));
}

Result<std::string> ApiClient::set_instance_policy(const InstancePolicyChange& change) {
  CallSpec spec = get("/instance/policies", "set instance policy " + quoted(change.type));
  spec.method = "PUT";
  const auto response =
      KH_TRY(state_->key_call(with_body(std::move(spec), encode_instance_policy(change))));
  return printable(response.header("warning"), 400);
}

Result<std::optional<std::vector<Registration>>> ApiClient::registrations(std::string_view ref) {
  return all_pages(
      *state_, key_path(ref) + "/registrations", "list registrations of key " + quoted(ref), kPage,
      [](const ApiFailure& failure) { return is_route_missing(failure.status, failure.code); });
}

Result<std::optional<std::vector<Registration>>> ApiClient::all_registrations() {
  // A service without this call takes its last part for a key that it does not have.
  return all_pages(*state_, "/keys/registrations", "list registrations", 5000,
                   [](const ApiFailure& failure) {
                     return failure.status == 404 || failure.status == 405 || failure.status == 501;
                   });
}

Result<void> ApiClient::create_registration(std::string_view ref,
                                            const Registration& registration) {
  CallSpec spec =
      spec_of("POST", key_path(ref) + "/registrations/" + percent_encode(registration.resource_crn),
              "register " + quoted(registration.resource_crn) + " with key " + quoted(ref));
  KH_TRY(state_->key_call(with_body(std::move(spec), encode_registration(registration))));
  return {};
}

Result<ImportToken> ApiClient::create_import_token(std::int64_t seconds, std::int64_t retrievals) {
  JsonWriter body;
  body.begin_object().key("expiration").integer(seconds);
  body.key("maxAllowedRetrievals").integer(retrievals).end_object();
  CallSpec spec = with_body(spec_of("POST", "/import_token", "create import token"), body.finish());
  spec.repeat = Repeat::Safe;  // a second one takes the place of the first
  auto response = KH_TRY(state_->key_call(std::move(spec)));
  return state_->decoder.import_token(text_of(response.body));
}

Result<ImportToken> ApiClient::take_import_token() {
  CallSpec spec = get("/import_token", "get import token");
  spec.repeat = Repeat::Never;
  auto response = KH_TRY(state_->key_call(std::move(spec)));
  ImportToken token = KH_TRY(state_->decoder.import_token(text_of(response.body)));
  if (token.public_key_pem.empty() || token.nonce.empty()) {
    return Error{Reason::BadBody, "get import token: the answer has no public key or no nonce",
                 "payload"};
  }
  return token;
}

Result<std::optional<MigrationIntent>> ApiClient::migration_intent(std::string_view ref) {
  auto response = state_->key_call(
      get(key_path(ref) + "/migrationIntent", "get migration intent of key " + quoted(ref)));
  if (!response) {
    if (is_route_missing(state_->failure.status, state_->failure.code))
      return std::optional<MigrationIntent>();
    return std::move(response).error();
  }
  auto intent = KH_TRY(state_->decoder.migration_intent(text_of(response.value().body)));
  return std::optional(std::move(intent));
}

Result<MigrationIntent> ApiClient::create_migration_intent(std::string_view ref,
                                                           std::string_view target_crn) {
  CallSpec spec = spec_of("POST", key_path(ref) + "/migrationIntent",
                          "create migration intent of key " + quoted(ref));
  auto response =
      KH_TRY(state_->key_call(with_body(std::move(spec), encode_migration_intent(target_crn))));
  return state_->decoder.migration_intent(text_of(response.body));
}

Result<void> ApiClient::delete_migration_intent(std::string_view ref) {
  auto response = state_->key_call(spec_of("DELETE", key_path(ref) + "/migrationIntent",
                                           "delete migration intent of key " + quoted(ref)));
  if (response) return {};
  if (state_->repeated() && state_->failure.status == 404) return state_->done();
  return std::move(response).error();
}

}  // namespace keyhaven::client
