#include "http/api.h"

#include <atomic>
#include <utility>

#include "audit/flood_guard.h"
#include "http/console_session.h"
#include "http/errors.h"
#include "http/router.h"
#include "net/header_text.h"

namespace keyhaven::http {
namespace {

constexpr std::string_view kInstanceHeader = "Bluemix-Instance";
constexpr std::string_view kKeyRingHeader = "X-Kms-Key-Ring";

Error unauthorized(std::string_view message) {
  return {Reason::Unauthorized, std::string(message), ""};
}

// The token of "Bearer <token>"; without the header, that of the console's cookie.
Result<std::string_view> presented_token(Call& call) {
  const std::size_t count = call.request().count("Authorization");
  const auto header = call.header("Authorization");
  if (!header) {
    const auto token = KH_TRY(session_token(call.request()));
    if (token) return *token;
  }
  if (!header || header->empty())
    return Error{Reason::Unauthenticated, "a bearer token is required", ""};
  // Two could be read differently here and by a proxy in front.
  if (count > 1) {
    return Error{Reason::BearerSubExtraction, "there must be one Authorization header, not several",
                 ""};
  }
  const std::size_t blank = header->find(' ');
  const bool is_bearer = blank != std::string_view::npos &&
                         net::equals_ignoring_case(header->substr(0, blank), "bearer");
  const std::string_view token =
      is_bearer ? header->substr(header->find_first_not_of(' ', blank)) : std::string_view();
  if (token.empty()) {
    return Error{Reason::BearerSubExtraction, "the Authorization header must be \"Bearer <token>\"",
                 ""};
  }
  return token;
}

Error bad_instance_header() {
  return {Reason::InvalidHeader,
          "the header Bluemix-Instance must hold the id (UUID) of a service instance",
          std::string(kInstanceHeader)};
}

// Host names of the form <instance id>.api.<region>.… name the instance too.
bool host_disagrees(const Call& call, const InstanceId& instance) {
  const auto host = call.header("Host");
  if (!host) return false;
  const auto named = InstanceId::parse(host->substr(0, host->find('.')));
  return named && named.value() != instance;
}

// The network policies of the instance (key-management-api.md 12): both must admit the call.
// allowed_ip_port is the way to find the right port, and services come from addresses of their own.
bool admitted_by_network(Call& call) {
  const instances::InstancePolicies& policies = call.instance().policies;
  const net::Request& request = call.request();
  const bool private_only = policies.allowed_network() == instances::AllowedNetwork::PrivateOnly;
  if (private_only && !request.private_network) return false;
  const bool is_service = call.caller() && !call.caller()->service_crn.empty();
  if (is_service || call.action() == iam::Action::AllowedIpPortRead) return true;
  return policies.allows_address(request.remote_address);
}

}  // namespace

// What belongs to one loop; touched by its thread only.
struct Api::LoopState {
  explicit LoopState(unsigned budget) : flood(budget) {}
  struct Pending {
    net::Reply reply;
    Response response;
    CallPtr counted;  // null: its instance has no metrics
  };
  std::vector<Pending> pending;               // answers waiting for the flush of this turn
  audit::FloodGuard flood;                    // what costs the caller nothing
  std::atomic<std::uint64_t> suppressed = 0;  // by it so far; read by other threads
};

Api::Api(ApiOptions options, Authenticator& authenticator, const InstanceLookup& instances,
         audit::Log& audit, WorkerPool& workers, const Clock& clock)
    : options_(options),
      authenticator_(authenticator),
      instances_(instances),
      audit_(audit),
      workers_(workers),
      clock_(clock),
      rates_(options.loops),
      metrics_(options.loops, instances),
      router_(std::make_unique<Router>()) {
  for (unsigned i = 0; i < options.loops; ++i) {
    loops_.push_back(std::make_unique<LoopState>(options.unauthenticated_records_per_second));
  }
}

Api::~Api() = default;

void Api::add(Routes routes) {
  for (Route& route : routes) router_->add(std::move(route));
}

const Routes& Api::routes() const noexcept { return router_->routes(); }

std::uint64_t Api::suppressed_events() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& loop : loops_) sum += loop->suppressed.load(std::memory_order_relaxed);
  return sum;
}

net::Handler Api::handler() {
  return [this](net::Request& request, net::Reply reply) { handle(request, std::move(reply)); };
}

net::ErrorBody Api::error_body() {
  return [](int status, std::string_view what) { return plain_error_response(status, what); };
}

void Api::handle(net::Request& request, net::Reply reply) {
  const auto call = std::make_shared<Call>(*this, request, std::move(reply));
  Router::Match match = router_->match(request.method, request.path, call->query("action"));
  if (match.route == nullptr) {
    const Error error = match.path_known
                            ? Error{Reason::MethodNotAllowed, "this path takes " + match.allow, ""}
                            : Error{Reason::RouteNotFound, "there is no such path in this API", ""};
    call->reason_ = wire_reason(error.reason).code;
    Response response = error_response(error, iam::Action::RouteUnknown);
    if (match.path_known) response.headers.emplace_back("Allow", match.allow);
    return call->finish(std::move(response));
  }
  call->route_ = match.route;
  call->action_ = match.route->action;
  for (auto& [name, value] : match.params) call->params_.push_back({name, std::move(value)});

  if (const auto admitted = admit(*call); !admitted) return call->fail(admitted.error());
  if (match.route->on_loop) return match.route->on_loop(call);
  run_on_pool(call, match.route->blocking);
}

// Token, instance and, where the route leaves it to the framework, the right.
Result<void> Api::admit(Call& call) {
  KH_TRY(find_caller(call));
  const Check check = call.route_->check;
  if (check == Check::Instance || check == Check::Key) KH_TRY(find_instance(call));
  return check_right(call);
}

Result<void> Api::check_right(Call& call) {
  switch (call.route_->check) {
    case Check::Account:
      return call.authorize({});
    case Check::Instance:
      return call.authorize({.instance = &call.instance_->id, .key_ring = {}, .key = nullptr});
    case Check::Key:
    case Check::Handler:
      return {};
  }
  fatal(__FILE__, __LINE__, "unknown Check");
}

// A call may have waited long for a thread, or for its turn: what was revoked meanwhile counts.
Result<void> Api::admit_again(Call& call) {
  if (!call.caller_) return {};
  const std::string_view token = KH_TRY(presented_token(call));
  iam::CallerPtr now = KH_TRY(authenticator_.again(call.caller_, token));
  if (now == call.caller_) return {};
  call.caller_ = std::move(now);
  return check_right(call);
}

Result<void> Api::find_caller(Call& call) {
  const iam::Access access = iam::info(call.action_).access;
  // Open calls do not look at the header: clients send "Basic Yng6Yng=" to the token call
  // (real-clients.md 2).
  if (access == iam::Access::Open) {
    call.authorized_ = true;
    return {};
  }
  const std::string_view token = KH_TRY(presented_token(call));
  call.caller_ = KH_TRY(authenticator_.authenticate(call.loop_index(), token));
  call.set_initiator(call.caller_->iam_id, call.caller_->name);
  if (access == iam::Access::AnyCaller) call.authorized_ = true;
  return {};
}

Result<void> Api::find_instance(Call& call) {
  const auto header = call.header(kInstanceHeader);
  if (!header || call.request_.count(kInstanceHeader) != 1) return bad_instance_header();
  const auto id = InstanceId::parse(*header);
  if (!id) return bad_instance_header();
  if (call.request_.count(kKeyRingHeader) > 1) {
    return Error{Reason::InvalidHeader, "there must be one X-Kms-Key-Ring header, not several",
                 std::string(kKeyRingHeader)};
  }
  // Unknown and foreign are answered alike, and like a missing right.
  const auto no_right = [] {
    return unauthorized(
        "the caller has no right to the resource, or it does not exist in this region");
  };
  if (host_disagrees(call, id.value())) return no_right();
  call.instance_ = instances_.find(id.value());
  if (!call.instance_) return no_right();
  call.set_audited_instance(id.value());
  if (!admitted_by_network(call)) return no_right();
  return take_token(call);
}

// A request of the caller's share in the instance (key-management-api.md 3.5).
Result<void> Api::take_token(Call& call) {
  const instances::InstanceLimits& limits = call.instance_->limits;
  if (limits.requests_per_second == 0 || !call.caller_) return {};
  const Rate rate{limits.requests_per_second, limits.request_burst};
  if (rates_.admit(call.loop_index(), call.caller_->iam_id, call.instance_->id, rate, clock_.now()))
    return {};
  return Error{Reason::TooManyRequests,
               "the caller may make " + std::to_string(rate.per_second) +
                   " requests a second to this instance; wait a second, or have its limit "
                   "requests_per_second raised",
               ""};
}

void Api::run_on_pool(const CallPtr& call, BlockingHandler handler) {
  auto task = [this, call, work = std::move(handler)] {
    if (const auto admitted = admit_again(*call); !admitted) return call->fail(admitted.error());
    auto result = work(*call);
    if (!result) return call->fail(result.error());
    call->finish(std::move(result).value());
  };
  if (workers_.submit(std::move(task))) return;
  call->fail({Reason::DeadlineExceeded,
              "the server is busy with other changes; try again in a moment", ""});
}

// Made by nobody in particular: without a token, and nobody was logged in by it.
bool Api::costs_nothing(const Call& call) noexcept {
  return !call.caller_ &&
         (call.event_.outcome == audit::Outcome::Failure || call.event_.initiator_id.empty());
}

// From here on: one audit event, then the answer.
void Api::end(const CallPtr& call, Response response) {
  response.headers.emplace_back("Correlation-Id", call->correlation_id());
  net::Loop& loop = *call->request_.loop;
  if (call->event_recorded_) return answer(*call, std::move(response));
  call->finish_event(response.status);
  const iam::ActionInfo& row = iam::info(call->action_);
  if (loop.in_loop_thread()) return end_on_loop(call, std::move(response));
  if (row.data_plane || !row.recorded || costs_nothing(*call)) {
    // std::function wants copyable tasks, a Response is copyable but should not be copied: it may
    // hold a DEK.
    auto shared = std::make_shared<Response>(std::move(response));
    return loop.post([this, call, shared] { end_on_loop(call, std::move(*shared)); });
  }
  end_with_management_record(call, std::move(response));
}

void Api::end_on_loop(const CallPtr& call, Response response) {
  const unsigned index = call->loop_index();
  LoopState& state = *loops_.at(index);
  if (!iam::info(call->action_).recorded) return answer(*call, std::move(response));
  // What costs the caller nothing must not fill the disk.
  if (costs_nothing(*call) || response.status == 429) {
    if (auto summary = state.flood.take_summary(call->event_.time))
      audit_.append_loop(index, *summary);
    if (!state.flood.admit(call->event_.time)) {
      state.suppressed.store(state.flood.suppressed_total(), std::memory_order_relaxed);
      return answer(*call, std::move(response));
    }
  }
  audit_.append_loop(index, call->event_);
  const bool counted = call->instance_ && Metrics::wants(*call->instance_);
  state.pending.push_back({std::move(call->reply_), std::move(response), counted ? call : nullptr});
  if (state.pending.size() == 1) {
    call->request_.loop->post([this, index] { flush(index); });
  }
}

void Api::end_with_management_record(const CallPtr& call, Response response) {
  if (const auto appended = audit_.append_management(call->event_); !appended) {
    Response refusal = error_response(appended.error(), call->action_);
    refusal.headers.emplace_back("Correlation-Id", call->correlation_id());
    net::wipe_response(response);
    response = std::move(refusal);
  }
  answer(*call, std::move(response));
}

void Api::answer(Call& call, Response response) {
  if (call.instance_ && Metrics::wants(*call.instance_)) count(call, response.status);
  call.reply_(std::move(response));
}

// Before the answer leaves, so that whoever has it finds it counted.
void Api::count(const Call& call, int status) {
  const auto latency = std::chrono::steady_clock::now() - call.started_;
  const instances::InstanceRecord& instance = *call.instance_;
  if (call.request_.loop->in_loop_thread()) {
    metrics_.count_on_loop(call.loop_index(), instance, call.action_, status, latency);
  } else {
    metrics_.count_on_pool(instance, call.action_, status, latency);
  }
}

// The events of this turn, with one write; then its answers.
void Api::flush(unsigned loop) {
  std::vector<LoopState::Pending> pending;
  pending.swap(loops_.at(loop)->pending);
  const auto flushed = audit_.flush_loop(loop);
  for (LoopState::Pending& waiting : pending) {
    if (!flushed) {
      Response refusal = error_response(flushed.error(), iam::Action::RouteUnknown);
      for (auto& header : waiting.response.headers) {
        if (header.first == "Correlation-Id") refusal.headers.push_back(header);
      }
      net::wipe_response(waiting.response);
      waiting.response = std::move(refusal);
    }
    if (waiting.counted) count(*waiting.counted, waiting.response.status);
    waiting.reply(std::move(waiting.response));
  }
}

void Api::tick(unsigned loop) {
  const auto summary = loops_.at(loop)->flood.take_summary(clock_.now());
  if (!summary) return;
  audit_.append_loop(loop, *summary);
  // A failed flush keeps the record; the next one, of a call or of the next summary, tries again.
  [[maybe_unused]] const auto flushed = audit_.flush_loop(loop);
}

}  // namespace keyhaven::http
