// The metrics of the server in the text format that Prometheus reads (version 0.0.4). For
// administrators: they name every instance, but no caller and no key.
#pragma once

#include <cstddef>
#include <functional>

#include "base/clock.h"
#include "http/api.h"
#include "http/route.h"
#include "instances/instance_service.h"

namespace keyhaven::http {

// Borrowed for the life of the routes.
struct MetricsSources {
  const Api& api;
  const instances::InstanceService& instances;
  // Keys of an instance that are not destroyed. Called on pool threads.
  std::function<std::size_t(const InstanceId&)> live_keys;
  Timestamp started;  // when the server started
};

// GET /metrics:
//   ibm_kms_api_request_gauge{instance,api,code}  calls since the policy `metrics` was enabled
//   ibm_kms_api_latency_gauge{instance,api,code}  their mean latency in milliseconds
//   keyhaven_keys{instance}, keyhaven_suppressed_audit_events_total, keyhaven_build_info{version},
//   process_start_time_seconds
// The first two have only instances whose policy is enabled (key-management-api.md 18); `api` is
// the audit name of the call, like "secrets.wrap", `code` the HTTP status. The others are always
// there.
Routes metrics_routes(MetricsSources sources);

}  // namespace keyhaven::http
