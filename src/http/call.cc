#include "http/call.h"

#include <algorithm>
#include <charconv>

#include "crypto/random.h"
#include "http/api.h"
#include "http/errors.h"
#include "http/router.h"
#include "net/header_text.h"

namespace keyhaven::http {
namespace {

constexpr std::size_t kMaxQueryValues = 16;
constexpr std::string_view kNoRight =
    "the caller has no right to the resource, or it does not exist in this region";

// A valid one is echoed as it came; else a new one is made (key-management-api.md 2).
std::string correlation_id_of(const net::Request& request) {
  if (const auto given = request.header("Correlation-Id")) {
    const std::string_view text = net::trim(*given);
    if (Uuid::parse(text)) return std::string(text);
  }
  return crypto::random_uuid().text();
}

std::string_view name_of(iam::Severity severity) noexcept {
  switch (severity) {
    case iam::Severity::Normal:
      return "normal";
    case iam::Severity::Warning:
      return "warning";
    case iam::Severity::Critical:
      return "critical";
  }
  fatal(__FILE__, __LINE__, "unknown Severity");
}

// The action's severity, raised by the status (instances-tke-iam.md 6.3).
iam::Severity severity_of(iam::Action action, int status) noexcept {
  iam::Severity by_status = iam::Severity::Normal;
  if (status == 401 || status == 403 || status == 500 || status == 503)
    by_status = iam::Severity::Critical;
  if (status == 400 || status == 409) by_status = iam::Severity::Warning;
  return std::max(iam::info(action).severity, by_status);
}

void complete_event(audit::Event& event, iam::Action action, int status) {
  event.action = "hs-crypto.";
  event.action += iam::info(action).event;
  event.severity = name_of(severity_of(action, status));
  event.outcome = status < 400 ? audit::Outcome::Success : audit::Outcome::Failure;
  event.status = status;
}

Error bad_query(std::string_view name, std::string_view what) {
  std::string message(name);
  message += ' ';
  message += what;
  return {Reason::InvalidQueryParam, std::move(message), std::string(name)};
}

// Calls `visit` with the raw name and value of each query parameter until it returns false.
template <class Visit>
void each_parameter(std::string_view query, Visit visit) {
  while (!query.empty()) {
    const std::size_t ampersand = query.find('&');
    const std::string_view pair = query.substr(0, ampersand);
    const std::size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    if (!pair.empty() && !visit(pair.substr(0, equals), value)) return;
    if (ampersand == std::string_view::npos) return;
    query.remove_prefix(ampersand + 1);
  }
}

}  // namespace

Call::Call(Api& api, net::Request& request, net::Reply reply)
    : api_(api), request_(request), reply_(std::move(reply)) {
  event_.correlation_id = correlation_id_of(request);
  // Left out for private calls (key-management-api.md 18).
  if (!request.private_network) event_.initiator_address = request.remote_address;
  event_.request_uri = request.path;
  if (const auto agent = request.header("User-Agent")) event_.initiator_agent = *agent;
}

Call::~Call() = default;

std::optional<std::string_view> Call::header(std::string_view name) const noexcept {
  const auto value = request_.header(name);
  if (!value) return std::nullopt;
  return net::trim(*value);
}

const std::string& Call::param(std::string_view name) const {
  for (const Param& param : params_) {
    if (param.name == name) return param.value;
  }
  fatal(__FILE__, __LINE__, "the route has no such parameter");
}

std::vector<std::string> Call::query_all(std::string_view name) const {
  std::vector<std::string> out;
  each_parameter(request_.query, [&](std::string_view raw_name, std::string_view raw_value) {
    if (percent_decode(raw_name, Plus::Blank) != name) return true;
    // A broken escape stays as it came: the check of the value refuses it.
    out.push_back(percent_decode(raw_value, Plus::Blank).value_or(std::string(raw_value)));
    return out.size() < kMaxQueryValues;
  });
  return out;
}

std::optional<std::string> Call::query(std::string_view name) const {
  auto values = query_all(name);
  if (values.empty()) return std::nullopt;
  return std::move(values.front());
}

Result<bool> Call::query_bool(std::string_view name, bool fallback) const {
  auto value = query(name);
  if (!value) return fallback;
  // Python sends True and False (real-clients.md 3).
  for (char& c : *value) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (*value == "true") return true;
  if (*value == "false") return false;
  return bad_query(name, "must be true or false");
}

Result<std::int64_t> Call::query_integer(std::string_view name, std::int64_t low, std::int64_t high,
                                         std::int64_t fallback) const {
  const auto text = query(name);
  if (!text) return fallback;
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text->data() + text->size() || value < low ||
      value > high) {
    return bad_query(
        name, "must be an integer from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

const Clock& Call::clock() const noexcept { return api_.clock_; }

const instances::InstanceRecord& Call::instance() const {
  KH_ASSERT(instance_ != nullptr);
  return *instance_;
}

Result<void> Call::authorize(const iam::Scope& scope) { return authorize(action_, scope); }

Result<void> Call::authorize(iam::Action action, const iam::Scope& scope) {
  const iam::ActionInfo& row = iam::info(action);
  const bool allowed = row.access == iam::Access::Open ||
                       (row.access == iam::Access::AnyCaller && caller_) ||
                       (caller_ && caller_->may(action, scope));
  if (!allowed) {
    authorized_ = false;
    return Error{Reason::Unauthorized, std::string(kNoRight), ""};
  }
  authorized_ = true;
  return {};
}

Result<void> Call::admit_again() { return api_.admit_again(*this); }

void Call::detail(std::string_view name, std::string value) {
  event_.details.emplace_back(std::string(name), std::move(value));
}

void Call::set_initiator(std::string id, std::string name) {
  event_.initiator_id = std::move(id);
  event_.initiator_name = std::move(name);
}

void Call::set_refused(const Error& error) {
  const WireReason wire = wire_reason(error.reason);
  reason_ = wire.code;
  refused_status_ = wire.status;
}

audit::Event Call::success_event(int status) const {
  audit::Event event = event_;
  event.time = api_.clock_.now();
  complete_event(event, action_, status);
  return event;
}

void Call::finish_event(int status) {
  status = recorded_status(status);
  event_.time = api_.clock_.now();
  complete_event(event_, action_, status);
  if (status >= 400) event_.reason = reason_;
}

void Call::finish(Response response) {
  KH_ASSERT(static_cast<bool>(reply_));
  KH_ASSERT(response.status >= 400 || authorized_);
  api_.end(shared_from_this(), std::move(response));
}

void Call::fail(const Error& error) {
  reason_ = wire_reason(error.reason).code;
  finish(error_response(error, action_));
}

void Call::run_blocking(BlockingHandler handler) {
  api_.run_on_pool(shared_from_this(), std::move(handler));
}

}  // namespace keyhaven::http
