#include "http/metrics_routes.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <string>
#include <utility>
#include <vector>

#include "http/call.h"

namespace keyhaven::http {
namespace {

using instances::InstanceRecordPtr;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;
using Milliseconds = std::chrono::duration<double, std::milli>;

void add_gauge(MetricFamily& family, Labels labels, double value) {
  ClientMetric& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  metric.gauge.value = value;
}

void add_calls(const CallSums& sums, const std::string& instance, MetricFamily& requests,
               MetricFamily& latencies) {
  for (const auto& [key, sum] : sums) {
    const Labels labels = {{"instance", instance},
                           {"api", std::string(iam::info(key.first).event)},
                           {"code", std::to_string(key.second)}};
    const auto calls = static_cast<double>(sum.calls);
    add_gauge(requests, labels, calls);
    add_gauge(latencies, labels, Milliseconds(sum.latency).count() / calls);
  }
}

void add_instances(const MetricsSources& sources, std::vector<MetricFamily>& out) {
  MetricFamily requests{"ibm_kms_api_request_gauge",
                        "Calls since the instance's policy metrics was enabled.",
                        MetricType::Gauge,
                        {}};
  MetricFamily latencies{"ibm_kms_api_latency_gauge",
                         "Mean latency in milliseconds of the calls since the instance's policy "
                         "metrics was enabled.",
                         MetricType::Gauge,
                         {}};
  MetricFamily keys{"keyhaven_keys", "Keys that are not destroyed.", MetricType::Gauge, {}};
  for (const InstanceRecordPtr& instance : sources.instances.list()) {
    const std::string id = instance->id.text();
    add_calls(sources.api.metrics().of(*instance), id, requests, latencies);
    add_gauge(keys, {{"instance", id}}, static_cast<double>(sources.live_keys(instance->id)));
  }
  for (MetricFamily* family : {&requests, &latencies, &keys}) out.push_back(std::move(*family));
}

void add_server(const MetricsSources& sources, std::vector<MetricFamily>& out) {
  MetricFamily build{
      "keyhaven_build_info", "Always 1; the labels name the build.", MetricType::Gauge, {}};
  add_gauge(build, {{"version", KH_VERSION}}, 1);
  MetricFamily started{"process_start_time_seconds",
                       "When the server started, in seconds since 1970-01-01T00:00:00Z.",
                       MetricType::Gauge,
                       {}};
  add_gauge(started, {}, static_cast<double>(sources.started.seconds()));
  MetricFamily suppressed{"keyhaven_suppressed_audit_events_total",
                          "Refusals that were counted in an audit record of their second instead "
                          "of having one each, since the start.",
                          MetricType::Counter,
                          {}};
  suppressed.metric.emplace_back().counter.value =
      static_cast<double>(sources.api.suppressed_events());
  for (MetricFamily* family : {&build, &started, &suppressed}) out.push_back(std::move(*family));
}

}  // namespace

Routes metrics_routes(MetricsSources sources) {
  const auto read = [sources = std::move(sources)](Call&) -> Result<Response> {
    std::vector<MetricFamily> families;
    add_instances(sources, families);
    add_server(sources, families);
    Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = prometheus::TextSerializer().Serialize(families);
    return response;
  };
  return {blocking(Method::Get, "/metrics", iam::Action::MetricsRead, Check::Account, read)};
}

}  // namespace keyhaven::http
