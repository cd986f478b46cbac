#include "http/instance_routes.h"

#include <algorithm>

#include "http/call.h"
#include "http/json.h"
#include "http/router.h"
#include "instances/crn.h"

namespace keyhaven::http {
namespace {

using instances::InstanceOptions;
using instances::InstanceRecord;
using instances::InstanceRecordPtr;
using instances::InstanceService;
using instances::InstanceSpec;
using instances::InstanceUpdate;

constexpr std::size_t kMaxText = 1024;
constexpr std::int64_t kMaxPage = 100;

const std::string& private_url(const InstanceOptions& options) {
  return options.private_url.empty() ? options.public_url : options.private_url;
}

// "https://host:port" without the scheme: what the endpoint look-up returns.
std::string_view host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  return scheme == std::string_view::npos ? url : url.substr(scheme + 3);
}

// Only while the policy is active: an administrator whom it shuts out sees here that it does.
void write_allowed_ip(JsonWriter& json, const InstanceRecord& record) {
  const instances::AllowedIp* networks = record.policies.allowed_ip();
  if (networks == nullptr) return;
  json.key("allowed_ip").begin_array();
  for (const instances::IpNetwork& network : *networks) json.value(network.text());
  json.end_array();
}

void write_instance(JsonWriter& json, const InstanceService& service,
                    const InstanceRecord& record) {
  const InstanceOptions& options = service.options();
  const std::string crn = service.crn_of(record);
  json.begin_object().field("id", crn).field("guid", record.id.text()).field("crn", crn);
  json.field("url", "/v2/resource_instances/" + record.id.text()).field("name", record.name);
  json.field("state", "active").field("type", "service_instance").field("sub_type", "kms");
  json.field("account_id", options.account).field("region_id", record.region);
  json.field("resource_id", "hs-crypto").field("resource_plan_id", record.plan);
  json.field("resource_group_id", record.resource_group);
  json.key("parameters").begin_object();
  json.field("units", static_cast<std::int64_t>(record.units.operational));
  json.field("failover_units", static_cast<std::int64_t>(record.units.failover));
  json.field("recovery_units", static_cast<std::int64_t>(record.units.recovery));
  json.field("allowed_network", name_of(record.policies.allowed_network()));
  write_allowed_ip(json, record);
  json.field("rotation_interval_seconds", record.rotation_interval_seconds);
  json.key("limits").begin_object();
  for (const instances::LimitRow& row : instances::limit_rows())
    json.field(row.name, static_cast<std::int64_t>(record.limits.*row.field));
  json.end_object().end_object();
  json.key("extensions").begin_object().key("endpoints").begin_object();
  json.field("public", options.public_url)
      .field("private", private_url(options))
      .end_object()
      .end_object();
  json.field("locked", false).field("allow_cleanup", false);
  json.date_field("created_at", record.created).field("created_by", record.created_by);
  json.date_field("updated_at", record.updated);
  if (record.units.operational < instances::kAdvisedUnits) {
    json.key("warnings").begin_array();
    json.value(
            "with one crypto unit the instance stops when that unit does; two or more are advised")
        .end_array();
  }
  json.end_object();
}

Response instance_response(int status, const InstanceService& service,
                           const InstanceRecord& record) {
  Response response;
  response.status = status;
  JsonWriter json(response.body);
  write_instance(json, service, record);
  return response;
}

// "us-south", or the deployment CRN / "bluemix-us-south" forms that the controller takes.
std::string region_of_target(std::string target) {
  if (const auto crn = instances::parse_crn(target)) return std::string(crn->region);
  if (target.starts_with("bluemix-")) return target.substr(8);
  return target;
}

// {"keys":1000000,"aliases":null}: null goes back to what the deployment says.
Result<void> read_limits(JsonValue& value, instances::LimitChanges& out) {
  if (value.is_null()) return {};
  return value.object([&](std::string_view name, JsonValue& member) -> Result<void> {
    std::optional<std::int64_t> limit;
    if (!member.is_null()) limit = KH_TRY(member.integer(name));
    out.push_back(KH_TRY(instances::limit_change(name, limit)));
    return {};
  });
}

// The way back from a network policy that shuts out its administrators; lists are set by the policy
// call, which knows all rules.
Result<void> read_allowed_ip_reset(JsonValue& value) {
  constexpr std::size_t kShown = 1;
  const auto networks = value.strings("allowed_ip", kShown, kMaxText);
  if (!networks || !networks->empty()) {
    return Error{Reason::InvalidField,
                 "allowed_ip can only be reset here, with an empty list; set networks with the "
                 "instance policy allowedIP",
                 "allowed_ip"};
  }
  return {};
}

// Terraform asks for recovery units by this word and does not say how many: the vendor gives two. A
// number that is there too counts; `false` asks for nothing.
template <class Target>
Result<void> read_parameters(JsonValue& value, Target& out) {
  if (value.is_null()) return {};
  bool wants_recovery = false;
  bool counts_recovery = false;
  const auto visit = [&](std::string_view name, JsonValue& member) -> Result<void> {
    if (member.is_null()) return {};
    if (name == "allowed_network") {
      std::string network = KH_TRY(member.text("allowed_network", kMaxText));
      if (!network.empty()) out.allowed_network = std::move(network);
    } else if (name == "rotation_interval_seconds") {
      out.rotation_interval_seconds = KH_TRY(member.integer("rotation_interval_seconds"));
    } else if (name == "limits") {
      KH_TRY(read_limits(member, out.limits));
    } else if (name == "allowed_ip") {
      KH_TRY(read_allowed_ip_reset(member));
      if constexpr (std::is_same_v<Target, InstanceUpdate>) out.reset_allowed_ip = true;
    } else if (name == "units") {
      out.units = KH_TRY(member.integer("units"));
    } else if (name == "failover_units") {
      out.failover_units = KH_TRY(member.integer("failover_units"));
    } else if (name == "recovery_units") {
      out.recovery_units = KH_TRY(member.integer("recovery_units"));
      counts_recovery = true;
    } else if (name == "requires_recovery_units") {
      wants_recovery = KH_TRY(member.boolean("requires_recovery_units"));
    }
    return {};
  };
  KH_TRY(value.object(visit));
  if (wants_recovery && !counts_recovery) out.recovery_units = instances::kMaxRecoveryUnits;
  return {};
}

Result<InstanceSpec> read_spec(Call& call) {
  InstanceSpec spec;
  const auto visit = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (value.is_null()) return {};
    if (name == "name") spec.name = KH_TRY(value.text("name", kMaxText));
    if (name == "target") spec.region = region_of_target(KH_TRY(value.text("target", kMaxText)));
    if (name == "resource_group")
      spec.resource_group = KH_TRY(value.text("resource_group", kMaxText));
    if (name == "resource_plan_id") {
      std::string plan = KH_TRY(value.text("resource_plan_id", kMaxText));
      if (!plan.empty()) spec.plan = std::move(plan);
    }
    if (name == "parameters") return read_parameters(value, spec);
    return {};
  };
  const Body body = KH_TRY(read_json(call.body(), visit));
  if (body == Body::Absent)
    return Error{Reason::NoBody, "a JSON object with at least \"name\" is required", {}};
  return spec;
}

Result<InstanceUpdate> read_update(Call& call) {
  InstanceUpdate update;
  const auto visit = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (value.is_null()) return {};
    if (name == "name") update.name = KH_TRY(value.text("name", kMaxText));
    if (name == "resource_plan_id") {
      std::string plan = KH_TRY(value.text("resource_plan_id", kMaxText));
      if (!plan.empty()) update.plan = std::move(plan);
    }
    if (name == "parameters") return read_parameters(value, update);
    return {};
  };
  KH_TRY(read_json(call.body(), visit));
  return update;
}

Result<Response> create(InstanceService& service, Call& call) {
  InstanceSpec spec = KH_TRY(read_spec(call));
  spec.created_by = call.caller()->iam_id;
  const InstanceRecordPtr record = KH_TRY(service.create(spec, call.success_event(201)));
  call.set_event_recorded();
  return instance_response(201, service, *record);
}

// The filters of the controller; empty or absent ones match everything.
bool matches(const InstanceRecord& record, const Call& call) {
  const auto agrees = [&](std::string_view name, std::string_view value) {
    const auto wanted = call.query(name);
    return !wanted || wanted->empty() || *wanted == value;
  };
  return agrees("guid", record.id.text()) && agrees("name", record.name) &&
         agrees("state", "active") && agrees("resource_plan_id", record.plan) &&
         agrees("resource_id", "hs-crypto") && agrees("resource_group_id", record.resource_group) &&
         agrees("type", "service_instance");
}

// The link to the page that begins at `start`, with the filters of this one.
std::string next_link(const Call& call, std::int64_t limit, std::size_t start) {
  std::string out =
      "/v2/resource_instances?limit=" + std::to_string(limit) + "&start=" + std::to_string(start);
  for (const std::string_view name :
       {"guid", "name", "state", "resource_plan_id", "resource_id", "resource_group_id", "type"}) {
    if (const auto value = call.query(name))
      out.append("&").append(name).append("=").append(percent_encode(*value));
  }
  return out;
}

Result<Response> list(const InstanceService& service, Call& call) {
  const std::int64_t limit = KH_TRY(call.query_integer("limit", 1, kMaxPage, kMaxPage));
  const std::int64_t start = KH_TRY(call.query_integer("start", 0, instances::kMaxInstances, 0));
  std::vector<InstanceRecordPtr> visible;
  for (InstanceRecordPtr& record : service.list()) {
    if (call.caller()->may(iam::Action::InstancesRead, {.instance = &record->id}) &&
        matches(*record, call)) {
      visible.push_back(std::move(record));
    }
  }
  const std::size_t first = std::min(static_cast<std::size_t>(start), visible.size());
  const std::size_t last = std::min(first + static_cast<std::size_t>(limit), visible.size());
  Response response;
  JsonWriter json(response.body);
  json.begin_object().field("rows_count", last - first);
  if (last < visible.size()) json.field("next_url", next_link(call, limit, last));
  json.key("resources").begin_array();
  for (std::size_t index = first; index < last; ++index)
    write_instance(json, service, *visible[index]);
  json.end_array().end_object();
  call.detail("responseData.totalResources", std::to_string(last - first));
  return response;
}

Result<Response> get(const InstanceService& service, Call& call) {
  const InstanceRecordPtr record = KH_TRY(authorized_instance(call, service, call.param("id")));
  return instance_response(200, service, *record);
}

Result<Response> update(InstanceService& service, Call& call) {
  const InstanceRecordPtr record = KH_TRY(authorized_instance(call, service, call.param("id")));
  const InstanceUpdate change = KH_TRY(read_update(call));
  const InstanceRecordPtr changed =
      KH_TRY(service.update(record->id, change, call.success_event(200)));
  call.set_event_recorded();
  return instance_response(200, service, *changed);
}

Result<Response> remove(InstanceService& service, Call& call) {
  const InstanceRecordPtr record = KH_TRY(authorized_instance(call, service, call.param("id")));
  KH_TRY(service.remove(record->id, call.success_event(204)));
  call.set_event_recorded();
  Response response;
  response.status = 204;
  return response;
}

// "ep11" is there for clients that read it; its hosts are empty as long as no GREP11 endpoint is
// served.
Result<Response> endpoints(const InstanceService& service, Call& call) {
  const InstanceRecordPtr record = KH_TRY(authorized_instance(call, service, call.param("id")));
  const InstanceOptions& options = service.options();
  Response response;
  JsonWriter json(response.body);
  json.begin_object().field("instance_id", record->id.text()).key("kms").begin_object();
  json.field("public", host_of(options.public_url))
      .field("private", host_of(private_url(options)))
      .end_object();
  json.key("ep11")
      .begin_object()
      .field("public", "")
      .field("private", "")
      .end_object()
      .end_object();
  return response;
}

// The form of 2019 (instances-tke-iam.md 1.4).
Result<Response> first_endpoints(const InstanceService& service, Call& call) {
  const InstanceRecordPtr record = KH_TRY(authorized_instance(call, service, call.param("id")));
  Response response;
  JsonWriter json(response.body);
  json.begin_object().field("instance_id", record->id.text());
  json.field("kmkConnectionInfo", host_of(service.options().public_url))
      .field("keyStoreMode", "read-write");
  json.end_object();
  return response;
}

}  // namespace

Result<InstanceRecordPtr> authorized_instance(Call& call, const InstanceService& service,
                                              const std::string& guid_or_crn) {
  auto record = service.find_named(guid_or_crn);
  if (!record) {
    KH_TRY(call.authorize(iam::Scope{}));
    return std::move(record).error();
  }
  call.set_audited_instance((*record)->id);
  call.set_target(service.crn_of(**record));
  KH_TRY(call.authorize({.instance = &(*record)->id}));
  return record;
}

Routes instance_routes(InstanceService& service) {
  using enum Method;
  const auto row = [&service](Method method, std::string_view pattern, iam::Action action,
                              Check check, Result<Response> (*handler)(InstanceService&, Call&)) {
    return blocking(method, pattern, action, check,
                    [&service, handler](Call& call) { return handler(service, call); });
  };
  const auto read = [&service](std::string_view pattern, iam::Action action,
                               Result<Response> (*handler)(const InstanceService&, Call&)) {
    return blocking(Get, pattern, action, Check::Handler,
                    [&service, handler](Call& call) { return handler(service, call); });
  };
  return {
      row(Post, "/v2/resource_instances", iam::Action::InstancesCreate, Check::Account, create),
      read("/v2/resource_instances", iam::Action::InstancesList, list),
      read("/v2/resource_instances/{id}", iam::Action::InstancesRead, get),
      row(Patch, "/v2/resource_instances/{id}", iam::Action::InstancesUpdate, Check::Handler,
          update),
      row(Delete, "/v2/resource_instances/{id}", iam::Action::InstancesDelete, Check::Handler,
          remove),
      read("/crypto_v2/instances/{id}", iam::Action::EndpointsRead, endpoints),
      read("/crypto_v1/instances/{id}", iam::Action::EndpointsRead, first_endpoints),
  };
}

}  // namespace keyhaven::http
