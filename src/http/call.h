// One call of the API from its request to its answer: what the framework found out about it (route,
// path parameters, caller, instance, correlation id) and the one way to end it, which writes
// exactly one audit event before it answers.
//
// A Call belongs to the thread that is working on it: the loop, then perhaps one pool thread. Views
// handed out live as long as the request, that is until the call has been finished.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/route.h"
#include "iam/caller.h"
#include "instances/instance_record.h"
#include "net/http_server.h"

namespace keyhaven::http {

class Api;
using InstancePtr = std::shared_ptr<const instances::InstanceRecord>;

class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(Api& api, net::Request& request, net::Reply reply);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();

  // --- The request ---
  net::Request& request() noexcept { return request_; }
  // First header of that name, without surrounding blanks.
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  // A parameter of the route's pattern, percent-decoded once. Fatal if the pattern has none of that
  // name.
  const std::string& param(std::string_view name) const;
  // First value of a query parameter, decoded ('+' is a blank); names are case-sensitive.
  std::optional<std::string> query(std::string_view name) const;
  std::vector<std::string> query_all(std::string_view name) const;  // at most 16 values
  // "true"/"false" in any case; absent: `fallback`. Errors: InvalidQueryParam.
  Result<bool> query_bool(std::string_view name, bool fallback) const;
  // Decimal integer in [low, high]; absent: `fallback`. Errors: InvalidQueryParam.
  Result<std::int64_t> query_integer(std::string_view name, std::int64_t low, std::int64_t high,
                                     std::int64_t fallback) const;
  // Body for http/json.h; it may carry secrets and is wiped by net/ after the answer.
  std::span<std::uint8_t> body() noexcept { return request_.body; }
  const Clock& clock() const noexcept;
  unsigned loop_index() const noexcept { return request_.loop->index(); }
  const std::string& correlation_id() const noexcept { return event_.correlation_id; }

  // --- Who, where, what ---
  // Null only for routes of open actions called without a token.
  const iam::CallerPtr& caller() const noexcept { return caller_; }
  // The instance of the Bluemix-Instance header; fatal for routes that do not ask for one.
  const instances::InstanceRecord& instance() const;
  iam::Action action() const noexcept { return action_; }
  // For routes that learn their action from the body (unit administration frames): authorised and
  // audited as this.
  void set_action(iam::Action action) noexcept { action_ = action; }

  // May the caller do action() on `scope`? Once per call before a successful answer; more often is
  // allowed (several scopes). Errors: Unauthorized, with the same text whether or not the object
  // exists.
  Result<void> authorize(const iam::Scope& scope);
  Result<void> authorize(iam::Action action, const iam::Scope& scope);
  // The same check once more, in the middle of a blocking handler that had to wait: errors when the
  // caller's token or its right to what the framework checked is gone.
  Result<void> admit_again();
  // The handler has itself left out everything that the caller may not see (lists).
  void set_authorized() noexcept { authorized_ = true; }

  // --- Audit ---
  // Adds to the event: "responseData.keyId" etc. Never a secret.
  void detail(std::string_view name, std::string value);
  void set_target(std::string crn) { event_.target_id = std::move(crn); }
  void set_audited_instance(const InstanceId& instance) { event_.instance_id = instance.text(); }
  // After a login: who it was.
  void set_initiator(std::string id, std::string name);
  // The event as it will be once the call succeeds with `status`: for stores that commit a change
  // with its event.
  audit::Event success_event(int status) const;
  // The answer leads a browser on although the call was refused: the event says that it failed,
  // with the status and code of `error`, and is counted as a refusal.
  void set_refused(const Error& error);
  // The change was committed together with its event: finish writes none.
  void set_event_recorded() noexcept { event_recorded_ = true; }
  bool event_recorded() const noexcept { return event_recorded_; }

  // --- The end ---
  // Ends the call: outcome and status from the response, one audit event unless already recorded,
  // then the answer. If the event cannot be written the caller gets 503 AuditUnavailable instead.
  // Thread-safe in the sense of the class.
  //   On the loop, or for data-plane actions: appended to the loop's stream, flushed once per loop
  //   turn before the answers of that turn leave. Else (pool): appended to the management stream
  //   and fsynced.
  // A success that nobody authorised is a programming error and stops the process.
  void finish(Response response);
  // The same with the error body for `error`.
  void fail(const Error& error);
  // From a loop handler: goes on in the worker pool; 503 when its queue is full. Before the handler
  // runs the caller's right is checked again, as for every blocking handler, when something was
  // revoked meanwhile.
  void run_blocking(BlockingHandler handler);

 private:
  friend class Api;
  struct Param {
    std::string_view name;
    std::string value;
  };
  // What the event is to say of an answer with `status`.
  int recorded_status(int status) const noexcept {
    return refused_status_ == 0 ? status : refused_status_;
  }
  void finish_event(int status);

  Api& api_;
  net::Request& request_;
  net::Reply reply_;
  const Route* route_ = nullptr;
  iam::Action action_ = iam::Action::RouteUnknown;
  std::vector<Param> params_;
  iam::CallerPtr caller_;
  InstancePtr instance_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  audit::Event event_;
  std::string reason_;      // code of the refusal, for the event
  int refused_status_ = 0;  // of set_refused
  bool authorized_ = false;
  bool event_recorded_ = false;
};

}  // namespace keyhaven::http
