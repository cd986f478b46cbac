// The HTTP API: joins the route tables and walks every request: route, token, instance, right,
// handler, audit, answer.
//
//   net loop -> Api::handle -> router -> Authenticator -> InstanceLookup -> (authorise) -> handler
//   -> Call::finish
//
// server/ builds one Api, adds the tables, and gives handler() and error_body() to net::Server.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/log.h"
#include "base/clock.h"
#include "http/call.h"
#include "http/metrics.h"
#include "http/rate_limiter.h"
#include "http/route.h"
#include "http/worker_pool.h"
#include "iam/caller.h"
#include "net/http_server.h"

namespace keyhaven::http {

// Verifies bearer tokens; implemented by iam/ with one cache per loop. Called on the loop with that
// index only, must not block. Errors: Unauthenticated (expired, forged, revoked),
// BearerSubExtraction (unreadable or without a subject).
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  virtual Result<iam::CallerPtr> authenticate(unsigned loop, std::string_view bearer_token) = 0;
  // For a call that has waited since: `caller` itself while nothing was revoked, else the token's
  // caller of now. Thread-safe, does not block. Errors: as authenticate.
  virtual Result<iam::CallerPtr> again(const iam::CallerPtr& caller,
                                       std::string_view bearer_token) = 0;
};

// Instances in memory. Thread-safe, must not block for long. Null: unknown or removed.
class InstanceLookup {
 public:
  virtual ~InstanceLookup() = default;
  virtual InstancePtr find(const InstanceId& id) const = 0;
};

struct ApiOptions {
  unsigned loops = 1;
  // Calls without a caller that log nobody in, and those of callers above their rate, beyond this
  // number per second and loop are counted, not written one by one; the count is written as one
  // record when the second is over.
  unsigned unauthenticated_records_per_second = 200;
};

class Router;

class Api {
 public:
  // Borrows all of them for its life.
  Api(ApiOptions options, Authenticator& authenticator, const InstanceLookup& instances,
      audit::Log& audit, WorkerPool& workers, const Clock& clock);
  ~Api();

  // Before serving. Two rows for one call, or a row with no or two handlers, are programming errors
  // (fatal).
  void add(Routes routes);
  // Every row, for tests: each is in the authorisation table and yields exactly one audit record.
  const Routes& routes() const noexcept;
  const Metrics& metrics() const noexcept { return metrics_; }
  // Calls of all loops that have no record of their own, since the start. Thread-safe.
  std::uint64_t suppressed_events() const noexcept;

  net::Handler handler();
  static net::ErrorBody error_body();
  // Writes the record of what was only counted; call every second on each loop (net::Loop::every).
  void tick(unsigned loop);

 private:
  friend class Call;
  struct LoopState;

  void handle(net::Request& request, net::Reply reply);
  Result<void> admit(Call& call);
  Result<void> find_caller(Call& call);
  Result<void> find_instance(Call& call);
  Result<void> check_right(Call& call);
  Result<void> admit_again(Call& call);
  Result<void> take_token(Call& call);
  void run_on_pool(const CallPtr& call, BlockingHandler handler);
  static bool costs_nothing(const Call& call) noexcept;
  void end(const CallPtr& call, Response response);
  void end_on_loop(const CallPtr& call, Response response);
  void end_with_management_record(const CallPtr& call, Response response);
  void answer(Call& call, Response response);
  void count(const Call& call, int status);
  void flush(unsigned loop);

  ApiOptions options_;
  Authenticator& authenticator_;
  const InstanceLookup& instances_;
  audit::Log& audit_;
  WorkerPool& workers_;
  const Clock& clock_;
  RateLimiter rates_;
  Metrics metrics_;
  std::unique_ptr<Router> router_;
  std::vector<std::unique_ptr<LoopState>> loops_;
};

}  // namespace keyhaven::http
