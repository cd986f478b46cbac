#include "http/governance_routes.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "http/instance_routes.h"
#include "http/router.h"
#include "keys/key_state.h"

namespace keyhaven::http {
namespace {

using instances::InstanceRecord;
using instances::InstanceRecordPtr;
using instances::InstanceService;
using instances::PolicyType;

constexpr std::string_view kService = "hs-crypto";
constexpr std::string_view kPath = "/governance/v1/configs";
constexpr std::int64_t kPageLimit = 5000;
constexpr std::int64_t kDefaultPage = 200;
constexpr std::int64_t kMaxOffset = 1'000'000'000;

struct Request {
  bool of_keys = false;  // else of instances
  std::size_t limit = 0;
  std::size_t offset = 0;
};

Result<Request> read_request(const Call& call) {
  Request out;
  const std::string kind = call.query("resource_kind").value_or("instance");
  if (kind != "instance" && kind != "key") {
    return Error{Reason::InvalidQueryParam, "resource_kind must be instance or key",
                 "resource_kind"};
  }
  out.of_keys = kind == "key";
  out.limit =
      static_cast<std::size_t>(KH_TRY(call.query_integer("limit", 1, kPageLimit, kDefaultPage)));
  out.offset = static_cast<std::size_t>(KH_TRY(call.query_integer("offset", 0, kMaxOffset, 0)));
  return out;
}

// Those that the caller may see and the query means, in order of creation.
Result<std::vector<InstanceRecordPtr>> instances_of(Call& call, const KeyFront& front,
                                                    const InstanceService& service) {
  std::vector<InstanceRecordPtr> out;
  if (const auto crn = call.query("service_instance_crn"); crn && !crn->empty()) {
    out.push_back(KH_TRY(authorized_instance(call, service, *crn)));
  } else {
    call.set_authorized();  // others are left out
    for (InstanceRecordPtr& record : service.list()) {
      if (call.caller()->may(call.action(), {.instance = &record->id}))
        out.push_back(std::move(record));
    }
  }
  const std::string account = call.query("account_id").value_or("");
  if (!account.empty() && account != front.account) out.clear();
  const std::string group = call.query("resource_group_id").value_or("");
  if (!group.empty()) {
    std::erase_if(out, [&](const InstanceRecordPtr& one) { return one->resource_group != group; });
  }
  return out;
}

// --- Properties ---

template <class T>
void write_property(JsonWriter& json, std::string_view name, const T& value) {
  json.begin_object().field("property", name).field("value", value).end_object();
}

void begin_properties(JsonWriter& json, std::string_view name) {
  json.begin_object().field("property", name).key("properties").begin_array();
}
void end_properties(JsonWriter& json) { json.end_array().end_object(); }

void write_rotation(JsonWriter& json, bool enabled, unsigned months) {
  begin_properties(json, "rotation");
  write_property(json, "enabled", enabled);
  if (months > 0) write_property(json, "interval_month", static_cast<int>(months));
  end_properties(json);
}

void write_instance_config(JsonWriter& json, const InstanceRecord& record) {
  const instances::InstancePolicies& policies = record.policies;
  write_property(json, "allowed_network", name_of(policies.allowed_network()));
  begin_properties(json, "allowed_ip");
  write_property(json, "enabled", policies.allowed_ip() != nullptr);
  if (policies.allowed_ip() != nullptr)
    write_property(json, "subnets", policies.allowed_ip()->size());
  end_properties(json);
  write_property(json, "dual_auth_delete", policies.is_enabled(PolicyType::DualAuthDelete));
  const instances::KeyCreateImportAccess access = policies.key_create_import_access();
  begin_properties(json, "key_create_import_access");
  write_property(json, "enabled", policies.is_enabled(PolicyType::KeyCreateImportAccess));
  write_property(json, "create_root_key", access.create_root_key);
  write_property(json, "create_standard_key", access.create_standard_key);
  write_property(json, "import_root_key", access.import_root_key);
  write_property(json, "import_standard_key", access.import_standard_key);
  write_property(json, "enforce_token", access.enforce_token);
  end_properties(json);
  write_property(json, "metrics", policies.is_enabled(PolicyType::Metrics));
  write_rotation(json, policies.is_enabled(PolicyType::Rotation), policies.rotation_months());
}

void write_key_config(JsonWriter& json, const keys::KeyRecord& key, Timestamp now) {
  write_property(json, "state", static_cast<int>(keys::effective_state(key, now)));
  write_property(json, "extractable", key.kind == keys::KeyKind::StandardKey);
  write_property(json, "imported", key.imported);
  if (key.expires.is_set()) write_property(json, "expiration_date", format_rfc3339(key.expires));
  write_property(json, "dual_auth_delete", keys::needs_dual_auth(key));
  const auto& rotation = key.policies().rotation;
  write_rotation(json, rotation && rotation->enabled, rotation ? rotation->interval_months : 0);
}

// --- One resource ---

void begin_state(JsonWriter& json, const std::string& crn, const InstanceRecord& instance,
                 const std::string& id, const std::string& name) {
  json.begin_object().field("resource_crn", crn);
  json.text_field_if("resource_group_id", instance.resource_group);
  json.key("additional_target_attributes").begin_object().field("resource_id", id);
  json.field("location", instance.region).field("instance_id", instance.id.text());
  json.field("resource_name", name).end_object().key("current_config").begin_array();
}
void end_state(JsonWriter& json) { json.end_array().end_object(); }

// Writes those of the page; returns whether there are more.
bool write_instances(JsonWriter& json, const std::vector<InstanceRecordPtr>& all,
                     const InstanceService& service, const Request& request) {
  const std::size_t begin = std::min(request.offset, all.size());
  const std::size_t end = begin + std::min(request.limit, all.size() - begin);
  for (std::size_t i = begin; i < end; ++i) {
    const InstanceRecord& one = *all[i];
    begin_state(json, service.crn_of(one), one, one.id.text(), one.name);
    write_instance_config(json, one);
    end_state(json);
  }
  return end < all.size();
}

// Keys are shown to those who may list them.
bool write_keys(JsonWriter& json, const Call& call, const KeyFront& front,
                const std::vector<InstanceRecordPtr>& all, const Request& request) {
  std::size_t position = 0;
  const Timestamp now = call.clock().now();
  for (const InstanceRecordPtr& instance : all) {
    const auto visible = [&](const keys::KeyRecord& key) {
      return call.caller()->may(iam::Action::SecretsList,
                                {.instance = &instance->id, .key_ring = key.key_ring});
    };
    for (const keys::KeyRecordPtr& key : front.service.directory().list(instance->id, visible)) {
      if (position++ < request.offset) continue;
      if (position > request.offset + request.limit) return true;
      begin_state(json, key_crn(front.account, *instance, key->id), *instance, key->id.text(),
                  key->name);
      write_key_config(json, *key, now);
      end_state(json);
    }
  }
  return false;
}

// The same request for what follows.
std::string next_link(const Call& call, const Request& request) {
  std::string out(kPath);
  out += "?limit=" + std::to_string(request.limit) +
         "&offset=" + std::to_string(request.offset + request.limit);
  for (const std::string_view name : {"config_request_id", "account_id", "resource_kind",
                                      "service_instance_crn", "resource_group_id"}) {
    if (const auto value = call.query(name))
      out.append("&").append(name).append("=").append(percent_encode(*value));
  }
  return out;
}

Result<Response> configs(Call& call, const KeyFront& front, const InstanceService& service) {
  const Request request = KH_TRY(read_request(call));
  const std::vector<InstanceRecordPtr> all = KH_TRY(instances_of(call, front, service));
  std::string body;
  JsonWriter json(body);
  json.begin_object().field("account_id", front.account).field("service_name", kService);
  json.field("resource_kind", request.of_keys ? "key" : "instance");
  json.text_field_if("config_request_id", call.query("config_request_id").value_or(""));
  json.date_field("timestamp", call.clock().now()).key("config_state").begin_array();
  const bool more = request.of_keys ? write_keys(json, call, front, all, request)
                                    : write_instances(json, all, service, request);
  json.end_array();
  if (more) json.key("next").begin_object().field("href", next_link(call, request)).end_object();
  json.end_object();
  return json_response(200, std::move(body));
}

}  // namespace

Routes governance_routes(const KeyFront& front, const InstanceService& instances) {
  return {blocking(Method::Get, kPath, iam::Action::GovernanceRead, Check::Handler,
                   [&front, &instances](Call& call) { return configs(call, front, instances); })};
}

}  // namespace keyhaven::http
