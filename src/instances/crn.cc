#include "instances/crn.h"

#include <array>

namespace keyhaven::instances {
namespace {

constexpr std::string_view kService = "hs-crypto";

}  // namespace

Result<Crn> parse_crn(std::string_view text) {
  const Error malformed{Reason::InvalidArgument, "not a cloud resource name", "crn"};
  if (text.size() > kMaxCrnBytes) return malformed;
  std::array<std::string_view, 10> fields;
  for (std::size_t index = 0; index < 9; ++index) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return malformed;
    fields[index] = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  fields[9] = text;
  if (fields[0] != "crn" || fields[1] != "v1" || fields[2] != "bluemix" || fields[3] != "public" ||
      !fields[6].starts_with("a/")) {
    return malformed;
  }
  return Crn{fields[4], fields[5], fields[6].substr(2), fields[7], fields[8], fields[9]};
}

std::string instance_crn(std::string_view region, std::string_view account,
                         const InstanceId& instance) {
  std::string out = "crn:v1:bluemix:public:";
  out.append(kService).append(":").append(region).append(":a/").append(account).append(":");
  return out.append(instance.text()).append("::");
}

std::string key_crn(std::string_view region, std::string_view account, const InstanceId& instance,
                    const KeyId& key) {
  std::string out = instance_crn(region, account, instance);
  out.pop_back();  // the empty resource
  out.pop_back();  // the empty resource type
  return out.append(":key:").append(key.text());
}

Result<InstanceId> instance_named_by(std::string_view text, std::string_view account) {
  const Error unknown{Reason::InstanceNotFound, "there is no such instance", "id"};
  std::string_view guid = text;
  if (text.starts_with("crn:")) {
    const auto crn = parse_crn(text);
    if (!crn || crn->service != kService || crn->account != account ||
        !crn->resource_type.empty() || !crn->resource.empty()) {
      return unknown;
    }
    guid = crn->instance;
  }
  auto id = InstanceId::parse(guid);
  if (!id) return unknown;
  return id;
}

}  // namespace keyhaven::instances
