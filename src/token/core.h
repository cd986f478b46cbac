// Sessions, login and healing of one token. Everything here runs on threads of the CallPool.
// Internal to token/.
//
// The state machine of a token, under `mutex_`:
//   Ready       sessions of the current generation serve calls
//   Lost        a call failed with a value of CkrClass::Lost. From `retry_at_` on, the next call
//               heals: finds the slot anew, opens an anchor session, logs in once if the token says
//               that nobody is logged in, and begins a generation; sessions and object handles of
//               older ones are dropped. The first heal is at once; while healing or the calls after
//               it fail, the pause doubles.
//   PinRefused  final
// The anchor session does nothing: it keeps the login while sessions come and go, because a token
// logs the user out when the last session of the process closes.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "token/call_pool.h"
#include "token/module.h"

namespace keyhaven::token {

class Core;

// A session lent to one call, and what that call met.
class Session {
 public:
  Session(Core& core, const Ticket& ticket, CK_SESSION_HANDLE handle, std::uint64_t generation)
      : core_(core), ticket_(ticket), handle_(handle), generation_(generation) {}

  CK_SESSION_HANDLE handle() const noexcept { return handle_; }
  std::uint64_t generation() const noexcept { return generation_; }
  const CK_FUNCTION_LIST& functions() const noexcept;
  Core& core() const noexcept { return core_; }

  // Success for CKR_OK; else records the failure, by which the Core decides about healing.
  Result<void> check(CK_RV rv, const char* function);
  const Failure& failure() const noexcept { return failure_; }
  void forget_failure() noexcept { failure_ = {}; }
  // Said just before a call that changes the token: from here on nothing is repeated. Errors:
  // UnitUnavailable when the caller has gone, so that nothing changes behind its back.
  Result<void> about_to_change();
  bool changing() const noexcept { return changing_; }

 private:
  Core& core_;
  const Ticket& ticket_;
  CK_SESSION_HANDLE handle_;
  std::uint64_t generation_;
  Failure failure_;
  bool changing_ = false;
};

class Core {
 public:
  Core(TokenChoice choice, SecretBytes pin, TokenOptions options);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Closes every session and lets go of the module: calls that may hang.
  ~Core();

  // Loads, finds, checks and logs in: Token::open.
  Result<void> open(const Ticket& ticket);

  // Runs `operation` on a session, healing and repeating once as the header of token.h says.
  template <class T>
  Result<T> perform(const Ticket& ticket, const std::function<Result<T>(Session&)>& operation) {
    for (int attempt = 0;; ++attempt) {
      Session session = KH_TRY(acquire(ticket));
      Result<T> result = operation(session);
      if (!give_back(session, result.has_value()) || attempt > 0 || session.changing() ||
          ticket.abandoned.load()) {
        return result;
      }
    }
  }

  // Handles of objects, by a text that says class and name; of one generation.
  std::optional<CK_OBJECT_HANDLE> known_handle(const Session& session, const std::string& what);
  void remember_handle(const Session& session, const std::string& what, CK_OBJECT_HANDLE handle);
  void forget_handles();

  const std::string& who() const noexcept { return who_; }
  const TokenFacts& facts() const noexcept { return facts_; }
  TokenHealth health() const;
  void alarm(const std::string& line) const;
  const Module& module() const noexcept { return *module_; }

 private:
  Result<Session> acquire(const Ticket& ticket);
  // Keeps or closes the session; marks the token lost or handles stale. True when repeating the
  // call may help.
  bool give_back(const Session& session, bool succeeded);
  void mark_lost(std::uint64_t generation, const Failure& failure);
  Result<void> heal(const Ticket& ticket);
  Result<void> heal_alone(const Ticket& ticket, std::vector<CK_SESSION_HANDLE> old);
  Result<void> begin_generation(Result<CK_SESSION_HANDLE> anchor);
  Result<CK_SESSION_HANDLE> open_anchor(const Ticket& ticket);
  Result<void> log_in(CK_SESSION_HANDLE session, const CK_TOKEN_INFO& info);
  Error refuse_pin(const std::string& why);
  Result<void> refuse_when_waiting() const;  // mutex_ held
  void lengthen_pause();                     // mutex_ held

  const TokenChoice choice_;
  const SecretBytes pin_;
  const TokenOptions options_;
  const std::string who_;
  std::shared_ptr<Module> module_;
  TokenFacts facts_;
  CK_SLOT_ID slot_ = 0;  // guarded by mutex_

  unsigned unclear_logins_ = 0;  // in a row; touched only by the one thread that heals

  mutable std::mutex mutex_;
  bool healing_ = false;  // by one thread
  std::condition_variable healed_;
  TokenState state_ = TokenState::Lost;
  std::string message_;
  std::uint64_t generation_ = 0;
  CK_SESSION_HANDLE anchor_ = CK_INVALID_HANDLE;
  std::vector<CK_SESSION_HANDLE> idle_;
  std::map<std::string, CK_OBJECT_HANDLE> handles_;
  bool succeeded_since_heal_ = true;
  std::chrono::milliseconds pause_{0};
  Deadline retry_at_{};
};

}  // namespace keyhaven::token
