// ApiClient: instances, crypto units, identities, health.
#include <array>

#include "client/connection.h"
#include "client/encode.h"

namespace keyhaven::client {
namespace {

constexpr std::string_view kInstances = "/v2/resource_instances";
constexpr int kMaxPages = 10'000;
constexpr std::size_t kMaxHealthText = 4096;

CallSpec spec_of(Base base, std::string method, std::string target, std::string what) {
  CallSpec spec;
  spec.base = base;
  spec.repeat = method == "POST" ? Repeat::Never : Repeat::Safe;
  spec.method = std::move(method);
  spec.target = std::move(target);
  spec.what = std::move(what);
  return spec;
}

CallSpec with_body(CallSpec spec, SecretBytes body) {
  spec.body = std::move(body);
  spec.has_body = true;
  return spec;
}

std::string instance_path(std::string_view guid) {
  return std::string(kInstances) + '/' + percent_encode(guid);
}

// What follows the host of an absolute link, or the link itself when it is relative; empty for
// something else.
std::string target_of(std::string_view link) {
  if (const auto scheme = link.find("://"); scheme != std::string_view::npos) {
    const auto slash = link.find('/', scheme + 3);
    return slash == std::string_view::npos ? std::string() : std::string(link.substr(slash));
  }
  return !link.empty() && link.front() == '/' ? std::string(link) : std::string();
}

// Follows next links until there is none.
template <class T, class D>
Result<std::vector<T>> all_pages(ApiClient::State& state, Base base, std::string target,
                                 const std::string& what, D decode) {
  std::vector<T> all;
  for (int number = 0; number < kMaxPages; ++number) {
    auto response = KH_TRY(state.call(spec_of(base, "GET", target, what)));
    Page<T> page = KH_TRY(decode(text_of(response.body)));
    std::move(page.items.begin(), page.items.end(), std::back_inserter(all));
    target = target_of(page.next);
    if (target.empty()) return all;
  }
  return Error{Reason::TooLarge, what + ": the server never ends its list", {}};
}

// A DELETE of which a repeat may find nothing left.
Result<void> remove(ApiClient::State& state, Base base, std::string target, std::string what) {
  auto response = state.call(spec_of(base, "DELETE", std::move(target), std::move(what)));
  if (response) return {};
  if (state.repeated() && (state.failure.status == 404 || state.failure.status == 410))
    return state.done();
  return std::move(response).error();
}

}  // namespace

Result<Instance> ApiClient::create_instance(const CreateInstance& request) {
  auto response = KH_TRY(
      state_->call(with_body(spec_of(Base::Resources, "POST", std::string(kInstances),
                                     "create instance \"" + printable(request.name, 100) + '"'),
                             encode_create_instance(request))));
  return state_->decoder.instance(text_of(response.body));
}

Result<std::vector<Instance>> ApiClient::list_instances(std::string_view name) {
  std::string target = std::string(kInstances) + "?limit=100";
  if (!name.empty()) target += "&name=" + percent_encode(name);
  return all_pages<Instance>(
      *state_, Base::Resources, std::move(target), "list instances",
      [this](std::string_view json) { return state_->decoder.instances(json); });
}

Result<Instance> ApiClient::get_instance(std::string_view guid) {
  auto response =
      KH_TRY(state_->call(spec_of(Base::Resources, "GET", instance_path(guid), "get instance")));
  return state_->decoder.instance(text_of(response.body));
}

Result<Instance> ApiClient::update_instance(std::string_view guid, const UpdateInstance& change) {
  auto response = KH_TRY(state_->call(
      with_body(spec_of(Base::Resources, "PATCH", instance_path(guid), "update instance"),
                encode_update_instance(change))));
  return state_->decoder.instance(text_of(response.body));
}

Result<void> ApiClient::delete_instance(std::string_view guid) {
  return remove(*state_, Base::Resources, instance_path(guid), "delete instance");
}

Result<std::vector<CryptoUnitEntry>> ApiClient::list_units() {
  auto response = KH_TRY(state_->call(
      spec_of(Base::Units, "GET", "/v1/tke/" + percent_encode(state_->endpoint.instance) + "/hsms",
              "list crypto units")));
  return state_->decoder.units(text_of(response.body));
}

Result<std::string> ApiClient::administer(std::string_view hsm_id, std::string_view request,
                                          bool accept_key_loss) {
  JsonWriter body;
  body.begin_object().key("request").string(request).end_object();
  std::string target =
      "/v1/tke/" + percent_encode(state_->endpoint.instance) + "/hsms/" + percent_encode(hsm_id);
  if (accept_key_loss) target += "?accept_key_loss=true";
  auto response = KH_TRY(state_->call(with_body(
      spec_of(Base::Units, "POST", std::move(target), "administer crypto unit"), body.finish())));
  return state_->decoder.unit_response(text_of(response.body));
}

Result<AttestationRootClaim> ApiClient::attestation_root() {
  auto response = KH_TRY(state_->call(
      spec_of(Base::Units, "GET", "/v1/tke/attestation_root", "get attestation root")));
  return state_->decoder.attestation_root(text_of(response.body));
}

Result<ServiceId> ApiClient::create_service_id(std::string_view name, std::string_view description,
                                               std::string_view service_crn) {
  JsonWriter body;
  body.begin_object().key("name").string(name);
  if (!service_crn.empty()) body.key("service_crn").string(service_crn);
  if (!description.empty()) body.key("description").string(description);
  body.end_object();
  auto response = KH_TRY(state_->call(with_body(
      spec_of(Base::Identity, "POST", "/v1/serviceids", "create service id"), body.finish())));
  return state_->decoder.service_id(text_of(response.body));
}

Result<ServiceId> ApiClient::create_user(std::string_view name, std::string_view description,
                                         std::string_view oidc_subject) {
  JsonWriter body;
  body.begin_object().key("name").string(name).key("type").string("user");
  if (!description.empty()) body.key("description").string(description);
  if (!oidc_subject.empty()) body.key("oidc_subject").string(oidc_subject);
  body.end_object();
  auto response = KH_TRY(state_->call(
      with_body(spec_of(Base::Identity, "POST", "/v1/serviceids", "create user"), body.finish())));
  return state_->decoder.service_id(text_of(response.body));
}

Result<ServiceId> ApiClient::link_user(std::string_view id, std::string_view oidc_subject) {
  JsonWriter body;
  body.begin_object().key("oidc_subject");
  if (oidc_subject.empty()) {
    body.null();
  } else {
    body.string(oidc_subject);
  }
  body.end_object();
  auto response = KH_TRY(state_->call(
      with_body(spec_of(Base::Identity, "PATCH", "/v1/serviceids/" + percent_encode(id),
                        oidc_subject.empty() ? "unlink user" : "link user"),
                body.finish())));
  return state_->decoder.service_id(text_of(response.body));
}

Result<std::vector<ServiceId>> ApiClient::list_service_ids() {
  return all_pages<ServiceId>(
      *state_, Base::Identity, "/v1/serviceids", "list service ids",
      [this](std::string_view json) { return state_->decoder.service_ids(json); });
}

Result<void> ApiClient::delete_service_id(std::string_view id) {
  return remove(*state_, Base::Identity, "/v1/serviceids/" + percent_encode(id),
                "delete service id");
}

Result<NewApiKey> ApiClient::create_api_key(std::string_view iam_id, std::string_view name) {
  JsonWriter body;
  body.begin_object().key("name").string(name).key("iam_id").string(iam_id).end_object();
  auto response = KH_TRY(state_->call(
      with_body(spec_of(Base::Identity, "POST", "/v1/apikeys", "create API key"), body.finish())));
  constexpr std::array<std::string_view, 1> kNames{"apikey"};
  auto secrets = KH_TRY(take_secrets(response.body, kNames));
  NewApiKey out;
  out.secret = take(secrets, "apikey");
  if (out.secret.empty())
    return Error{Reason::BadBody, "create API key: the answer holds no apikey", "apikey"};
  out.info = KH_TRY(state_->decoder.api_key(text_of(response.body)));
  return out;
}

Result<std::vector<ApiKeyInfo>> ApiClient::list_api_keys(std::string_view iam_id) {
  std::string target = "/v1/apikeys";
  if (!iam_id.empty()) target += "?iam_id=" + percent_encode(iam_id);
  return all_pages<ApiKeyInfo>(
      *state_, Base::Identity, std::move(target), "list API keys",
      [this](std::string_view json) { return state_->decoder.api_keys(json); });
}

Result<void> ApiClient::delete_api_key(std::string_view id) {
  return remove(*state_, Base::Identity, "/v1/apikeys/" + percent_encode(id), "delete API key");
}

Result<AccessPolicy> ApiClient::create_policy(const AccessPolicy& policy) {
  auto response = KH_TRY(
      state_->call(with_body(spec_of(Base::Identity, "POST", "/v1/policies", "create policy"),
                             encode_access_policy(policy))));
  return state_->decoder.policy(text_of(response.body));
}

Result<std::vector<AccessPolicy>> ApiClient::list_policies(std::string_view iam_id) {
  std::string target = "/v1/policies";
  if (!iam_id.empty()) target += "?iam_id=" + percent_encode(iam_id);
  return all_pages<AccessPolicy>(
      *state_, Base::Identity, std::move(target), "list policies",
      [this](std::string_view json) { return state_->decoder.access_policies(json); });
}

Result<void> ApiClient::delete_policy(std::string_view id) {
  return remove(*state_, Base::Identity, "/v1/policies/" + percent_encode(id), "delete policy");
}

Result<std::vector<PermittedActions>> ApiClient::permissions(std::string_view instance) {
  std::string target = "/v1/permissions";
  if (!instance.empty()) target += "?instance=" + percent_encode(instance);
  const auto response =
      KH_TRY(state_->call(spec_of(Base::Identity, "GET", std::move(target), "read permissions")));
  return state_->decoder.permissions(text_of(response.body));
}

namespace {

Health health_of(const net::ClientResponse& response) {
  return {response.status == 200, response.status,
          printable(text_of(response.body), kMaxHealthText)};
}

}  // namespace

Result<Health> ApiClient::live() {
  const auto response = KH_TRY(state_->probe("/healthz"));
  return health_of(response);
}

Result<Health> ApiClient::ready() {
  const auto response = KH_TRY(state_->probe("/readyz"));
  return health_of(response);
}

Result<std::string> ApiClient::get_document(std::string_view target) {
  constexpr std::size_t kMaxDocument = 1024 * 1024;
  auto response = KH_TRY(state_->call(
      spec_of(Base::Keys, "GET", std::string(target), "get " + printable(target, 100))));
  if (response.body.size() > kMaxDocument)
    return Error{Reason::TooLarge, "the document is larger than 1 MiB", {}};
  return std::string(text_of(response.body));
}

Result<std::string> ApiClient::put_document(std::string_view target, std::string_view json) {
  auto response = KH_TRY(state_->call(
      with_body(spec_of(Base::Keys, "PUT", std::string(target), "put " + printable(target, 100)),
                SecretBytes::copy_of(json))));
  return std::string(text_of(response.body));
}

Result<std::string> ApiClient::post_document(std::string_view target) {
  auto response = KH_TRY(state_->call(
      spec_of(Base::Keys, "POST", std::string(target), "post " + printable(target, 100))));
  return std::string(text_of(response.body));
}

Result<std::string> ApiClient::post_instance_document(std::string_view target,
                                                      std::string_view json) {
  auto response = KH_TRY(state_->key_call(
      with_body(spec_of(Base::Keys, "POST", std::string(target), "post " + printable(target, 100)),
                SecretBytes::copy_of(json))));
  return std::string(text_of(response.body));
}

}  // namespace keyhaven::client
