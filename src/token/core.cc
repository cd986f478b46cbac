#include "token/core.h"

#include <algorithm>

namespace keyhaven::token {

namespace {

// Login failures that are neither success nor a refused PIN, in a row, before we stop: a module
// may hide a refusal behind a general error, and the token counts.
constexpr unsigned kUnclearLogins = 3;
constexpr std::size_t kHandlesKept = 4096;

bool is_logged_in(CK_STATE state) {
  return state == CKS_RO_USER_FUNCTIONS || state == CKS_RW_USER_FUNCTIONS;
}

constexpr std::string_view kNotTriedAgain = " It is not tried again by this process.";

}  // namespace

const CK_FUNCTION_LIST& Session::functions() const noexcept { return core_.module().functions(); }

Result<void> Session::check(CK_RV rv, const char* function) {
  if (rv == CKR_OK) return {};
  failure_ = {rv, function};
  return token_error(core_.who(), failure_);
}

Result<void> Session::about_to_change() {
  if (ticket_.abandoned.load()) {
    return Error{Reason::UnitUnavailable, core_.who() + ": the caller no longer waits", {}};
  }
  changing_ = true;
  return {};
}

Core::Core(TokenChoice choice, SecretBytes pin, TokenOptions options)
    : choice_(std::move(choice)),
      pin_(std::move(pin)),
      options_(std::move(options)),
      who_(who_of(choice_)) {}

Result<void> Core::open(const Ticket& ticket) {
  module_ = KH_TRY(Module::load(choice_.module_path));
  Failure failure;
  const SlotOfToken slot = KH_TRY(find_slot(*module_, choice_, failure));
  facts_ = facts_of(*module_, slot.info);
  KH_TRY(check_mechanisms(*module_, slot.id, options_.needs, who_));
  return heal(ticket);
}

Core::~Core() {
  if (!module_) return;
  for (const CK_SESSION_HANDLE session : idle_) module_->functions().C_CloseSession(session);
  if (anchor_ != CK_INVALID_HANDLE) module_->functions().C_CloseSession(anchor_);
}

Result<void> Core::refuse_when_waiting() const {
  if (state_ == TokenState::PinRefused) return Error{Reason::UnitUnavailable, message_, {}};
  if (state_ == TokenState::Lost && std::chrono::steady_clock::now() < retry_at_) {
    return Error{Reason::UnitUnavailable, message_, {}};
  }
  return {};
}

Result<Session> Core::acquire(const Ticket& ticket) {
  for (int i = 0; i < 2; ++i) {
    {
      const std::lock_guard lock(mutex_);
      KH_TRY(refuse_when_waiting());
      if (state_ == TokenState::Ready && !idle_.empty()) {
        const CK_SESSION_HANDLE handle = idle_.back();
        idle_.pop_back();
        return Session(*this, ticket, handle, generation_);
      }
    }
    KH_TRY(heal(ticket));
    CK_SLOT_ID slot = 0;
    std::uint64_t generation = 0;
    {
      const std::lock_guard lock(mutex_);
      slot = slot_;
      generation = generation_;
    }
    CK_SESSION_HANDLE handle = CK_INVALID_HANDLE;
    const CK_RV rv = module_->functions().C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                                        nullptr, nullptr, &handle);
    if (rv == CKR_OK) return Session(*this, ticket, handle, generation);
    const Failure failure{rv, "C_OpenSession"};
    if (class_of(rv) != CkrClass::Lost || i > 0) return token_error(who_, failure);
    mark_lost(generation, failure);
  }
  return Error{Reason::UnitUnavailable, who_ + ": no session opens", {}};
}

bool Core::give_back(const Session& session, bool succeeded) {
  const Failure failure = session.failure();
  const CkrClass kind = class_of(failure.rv);
  if (failure.rv != CKR_OK && kind == CkrClass::Lost) mark_lost(session.generation(), failure);
  {
    const std::lock_guard lock(mutex_);
    if (kind == CkrClass::Handle) handles_.clear();
    const bool current = state_ == TokenState::Ready && generation_ == session.generation();
    if (succeeded && current) {
      succeeded_since_heal_ = true;
      pause_ = std::chrono::milliseconds{0};
    }
    // After a failed call the module may hold an operation open in this session.
    if (failure.rv == CKR_OK && current && idle_.size() < options_.sessions) {
      idle_.push_back(session.handle());
      return false;
    }
  }
  // The number of a session that is gone may be another's by now.
  if (failure.rv != CKR_SESSION_HANDLE_INVALID && failure.rv != CKR_SESSION_CLOSED) {
    module_->functions().C_CloseSession(session.handle());
  }
  return !succeeded && (kind == CkrClass::Lost || kind == CkrClass::Handle);
}

void Core::lengthen_pause() {
  pause_ = std::clamp(pause_ * 2, options_.first_pause, options_.longest_pause);
  retry_at_ = std::chrono::steady_clock::now() + pause_;
}

void Core::mark_lost(std::uint64_t generation, const Failure& failure) {
  {
    const std::lock_guard lock(mutex_);
    if (generation != generation_ || state_ != TokenState::Ready) return;  // known already
    state_ = TokenState::Lost;
    message_ = who_ + ": " + describe(failure);
    retry_at_ = {};
    if (!succeeded_since_heal_) lengthen_pause();
  }
  alarm(who_ + " is lost: " + describe(failure));
}

Result<void> Core::heal(const Ticket& ticket) {
  // Whoever waits for the healing of another thread answers before its own deadline, or it would
  // count as a call that hangs.
  const auto now = std::chrono::steady_clock::now();
  const auto until = now + (ticket.deadline - now) * 3 / 4;
  std::vector<CK_SESSION_HANDLE> old;
  {
    std::unique_lock lock(mutex_);
    if (!healed_.wait_until(lock, until, [this] { return !healing_; })) {
      return Error{
          Reason::UnitUnavailable, who_ + ": it is being healed and has not answered yet", {}};
    }
    if (state_ == TokenState::Ready) return {};  // another thread was first
    KH_TRY(refuse_when_waiting());
    healing_ = true;
    old.swap(idle_);
    if (anchor_ != CK_INVALID_HANDLE) old.push_back(std::exchange(anchor_, CK_INVALID_HANDLE));
  }
  Result<void> result = heal_alone(ticket, std::move(old));
  const std::lock_guard lock(mutex_);
  healing_ = false;
  healed_.notify_all();
  return result;
}

Result<void> Core::heal_alone(const Ticket& ticket, std::vector<CK_SESSION_HANDLE> old) {
  Result<CK_SESSION_HANDLE> anchor = open_anchor(ticket);
  // Closed after the new one opened, lest the last one take the login along; a module that numbers
  // anew may have given the new one an old number.
  for (const CK_SESSION_HANDLE session : old) {
    if (!anchor || session != *anchor) module_->functions().C_CloseSession(session);
  }
  return begin_generation(std::move(anchor));
}

Result<void> Core::begin_generation(Result<CK_SESSION_HANDLE> anchor) {
  bool was_open = false;
  {
    const std::lock_guard lock(mutex_);
    was_open = generation_ > 0;
    if (!anchor) {
      if (state_ != TokenState::PinRefused) {
        message_ = anchor.error().message;
        lengthen_pause();
      }
      return std::move(anchor).error();
    }
    anchor_ = *anchor;
    handles_.clear();
    ++generation_;
    state_ = TokenState::Ready;
    message_.clear();
    succeeded_since_heal_ = !was_open;
  }
  if (was_open) alarm(who_ + " answers again");
  return {};
}

Result<CK_SESSION_HANDLE> Core::open_anchor(const Ticket& ticket) {
  Failure failure;
  Result<SlotOfToken> slot = find_slot(*module_, choice_, failure);
  if (failure.rv == CKR_CRYPTOKI_NOT_INITIALIZED) {
    failure = module_->initialise_again();
    if (failure.rv != CKR_OK) return token_error(who_, failure);
    slot = find_slot(*module_, choice_, failure);
  }
  if (!slot) {
    // Absence of a token that was there is a loss, not a mistake of the caller.
    Error error = std::move(slot).error();
    const std::lock_guard lock(mutex_);
    if (generation_ > 0) error.reason = Reason::UnitUnavailable;
    return error;
  }
  if (ticket.abandoned.load()) {
    return Error{Reason::UnitUnavailable, who_ + ": the caller no longer waits", {}};
  }
  const CK_FUNCTION_LIST& f = module_->functions();
  CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
  const CK_RV rv =
      f.C_OpenSession(slot->id, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session);
  if (rv != CKR_OK) return token_error(who_, {rv, "C_OpenSession"});
  const Result<void> logged_in = log_in(session, slot->info);
  if (!logged_in) {
    f.C_CloseSession(session);
    return logged_in.error();
  }
  const std::lock_guard lock(mutex_);
  slot_ = slot->id;
  return session;
}

Result<void> Core::log_in(CK_SESSION_HANDLE session, const CK_TOKEN_INFO& info) {
  const CK_FUNCTION_LIST& f = module_->functions();
  CK_SESSION_INFO state{};
  const CK_RV asked = f.C_GetSessionInfo(session, &state);
  if (asked != CKR_OK) return token_error(who_, {asked, "C_GetSessionInfo"});
  if (is_logged_in(state.state)) return {};
  if ((info.flags & CKF_USER_PIN_INITIALIZED) == 0) {
    return refuse_pin(
        "no user PIN is set in the token (CKF_USER_PIN_INITIALIZED is not set). Remedy: its "
        "security officer sets one.");
  }
  if ((info.flags & CKF_USER_PIN_LOCKED) != 0) {
    return refuse_pin(
        "the token says that its PIN is locked (CKF_USER_PIN_LOCKED); not tried. Remedy: its "
        "security officer unlocks it.");
  }
  if ((info.flags & CKF_USER_PIN_FINAL_TRY) != 0) {
    return refuse_pin(
        "the token says that one more wrong PIN locks it (CKF_USER_PIN_FINAL_TRY); not tried. "
        "Remedy: log in with the token's own tool first, which resets its counter.");
  }
  // The API takes the PIN as a pointer to bytes it may change.
  auto* const pin = const_cast<CK_UTF8CHAR*>(pin_.expose().data());
  const CK_RV rv = f.C_Login(session, CKU_USER, pin, pin_.size());
  if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN) {
    unclear_logins_ = 0;
    return {};
  }
  const Failure failure{rv, "C_Login"};
  if (class_of(rv) == CkrClass::Pin) return refuse_pin(describe(failure) + ".");
  if (class_of(rv) == CkrClass::Lost) return token_error(who_, failure);
  if (++unclear_logins_ < kUnclearLogins) return token_error(who_, failure);
  return refuse_pin(describe(failure) + ", " + std::to_string(kUnclearLogins) + " times in a row.");
}

Error Core::refuse_pin(const std::string& why) {
  std::string message = who_ + ": the login is refused: " + why + std::string(kNotTriedAgain);
  bool first_open = false;
  {
    const std::lock_guard lock(mutex_);
    state_ = TokenState::PinRefused;
    message_ = message;
    first_open = generation_ == 0;
  }
  alarm(message);
  return Error{
      first_open ? Reason::Unauthenticated : Reason::UnitUnavailable, std::move(message), {}};
}

std::optional<CK_OBJECT_HANDLE> Core::known_handle(const Session& session,
                                                   const std::string& what) {
  const std::lock_guard lock(mutex_);
  if (session.generation() != generation_) return std::nullopt;
  const auto found = handles_.find(what);
  if (found == handles_.end()) return std::nullopt;
  return found->second;
}

void Core::remember_handle(const Session& session, const std::string& what,
                           CK_OBJECT_HANDLE handle) {
  const std::lock_guard lock(mutex_);
  if (session.generation() != generation_) return;
  if (handles_.size() >= kHandlesKept) handles_.clear();
  handles_[what] = handle;
}

void Core::forget_handles() {
  const std::lock_guard lock(mutex_);
  handles_.clear();
}

TokenHealth Core::health() const {
  const std::lock_guard lock(mutex_);
  return TokenHealth{state_, message_};
}

void Core::alarm(const std::string& line) const {
  if (options_.alarm) options_.alarm(line);
}

}  // namespace keyhaven::token
