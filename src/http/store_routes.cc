#include "http/store_routes.h"

#include <algorithm>

#include "base/bytes.h"
#include "http/call.h"
#include "http/json.h"

namespace keyhaven::http {
namespace {

using instances::RecordCheck;
using instances::SuspectRecord;

void write_instance(JsonWriter& json, const InstanceId& instance) {
  if (instance != InstanceId{}) json.field("instance_id", instance.text());
}

void write_suspects(JsonWriter& json, const RecordCheck& check) {
  json.key("suspects").begin_array();
  for (const SuspectRecord& suspect : check.suspects) {
    json.begin_object().field("table", suspect.table);
    write_instance(json, suspect.instance);
    json.field("id", suspect.id).field("fault", instances::name_of(suspect.fault)).end_object();
  }
  json.end_array();
}

void write_differences(JsonWriter& json, const RecordCheck& check) {
  json.key("differences").begin_array();
  for (const unit::ScopeDifference& scope : check.differences) {
    json.begin_object();
    write_instance(json, scope.scope);
    json.field("forged", scope.forged)
        .field("old", scope.old)
        .field("returned", scope.returned)
        .field("newer", scope.newer)
        .field("missing", scope.missing)
        .field("difference", to_hex(scope.difference))
        .end_object();
  }
  json.end_array();
}

Response answer(const RecordCheck& check) {
  Response response;
  JsonWriter json(response.body);
  json.begin_object().date_field("checked_at", check.at);
  json.field("records", check.records).field("faults", check.faults);
  json.field("unnamed", check.faults - std::min(check.faults, check.suspects.size()));
  write_suspects(json, check);
  write_differences(json, check);
  json.end_object();
  return response;
}

}  // namespace

Routes store_routes(instances::StoredRecords& records) {
  constexpr const char* kPath = "/v1/store/verification";
  const auto at_start = [&records](Call&) -> Result<Response> {
    return answer(records.found_at_start());
  };
  const auto now = [&records](Call&) -> Result<Response> {
    const RecordCheck check = KH_TRY(records.check_records());
    return answer(check);
  };
  return {
      blocking(Method::Get, kPath, iam::Action::StoreVerify, Check::Account, at_start),
      blocking(Method::Post, kPath, iam::Action::StoreVerify, Check::Account, now),
  };
}

}  // namespace keyhaven::http
