// What one call leaves behind: the record of who did what to which object, with which outcome.
// Never a secret.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "base/reason.h"

namespace keyhaven::audit {

enum class Outcome : std::uint8_t { Success, Failure };

// CADF subset, instances-tke-iam.md 6.1. Exactly one event per call.
struct Event {
  Timestamp time;
  std::string action;  // "hs-crypto.secrets.wrap"
  std::string_view severity = "normal";
  Outcome outcome = Outcome::Failure;
  int status = 0;            // HTTP status answered
  std::string reason;        // reason code when refused
  std::string initiator_id;  // iam id; empty when unauthenticated
  std::string initiator_name;
  std::string initiator_address;
  std::string initiator_agent;
  std::string instance_id;  // empty for calls outside an instance
  std::string target_id;    // CRN or other id
  std::string correlation_id;
  std::string request_uri;                                   // path without query
  std::vector<std::pair<std::string, std::string>> details;  // requestData.*/responseData.*
};

// Compact JSON object in a fixed member order, members with empty values left out; hostile text is
// escaped. At most 16 KiB: longer texts are cut and marked.
void append_json(std::string& out, const Event& event);

}  // namespace keyhaven::audit
