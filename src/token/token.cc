#include "token/token.h"

#include "token/aes_keys.h"
#include "token/owner_material.h"
#include "token/signature_keys.h"

namespace keyhaven::token {

namespace {

constexpr std::chrono::milliseconds kShortestDeadline{10};
constexpr std::chrono::milliseconds kLongestDeadline{600'000};
constexpr unsigned kMostThreads = 64;

Error bad_option(const std::string& what) {
  return Error{Reason::InvalidArgument, "PKCS#11 token: " + what, {}};
}

Result<void> check_options(const TokenChoice& choice, const TokenOptions& options) {
  if (choice.label.empty() && choice.serial.empty()) {
    return bad_option("name the token by its label or its serial number");
  }
  if (options.call_deadline < kShortestDeadline || options.call_deadline > kLongestDeadline) {
    return bad_option("the deadline of calls is 10 ms to 10 minutes");
  }
  if (options.sessions < 1 || options.sessions > kMostThreads) {
    return bad_option("there are 1 to 64 sessions");
  }
  if (options.lost_threads < 1 || options.lost_threads > kMostThreads) {
    return bad_option("1 to 64 threads may be lost");
  }
  if (options.first_pause <= std::chrono::milliseconds{0} ||
      options.longest_pause < options.first_pause) {
    return bad_option("pauses are above zero, the longest not below the first");
  }
  return {};
}

Result<void> check_input_size(std::size_t size) {
  if (size <= kLargestInput) return {};
  return Error{Reason::InvalidArgument,
               "a token takes at most " + std::to_string(kLargestInput) + " bytes at a time, not " +
                   std::to_string(size),
               {}};
}

Deadline from_now(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

}  // namespace

struct Token::Impl {
  Impl(std::shared_ptr<Core> core_in, const TokenOptions& options,
       std::function<void(bool)> on_hung)
      : core(std::move(core_in)),
        deadline(options.call_deadline),
        pool(options.sessions, options.lost_threads, std::move(on_hung)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Lets go of the Core on a thread of the pool, because its end calls into the module.
  ~Impl() {
    const auto last = std::make_shared<std::shared_ptr<Core>>(std::move(core));
    pool.run([last](const Ticket&) { last->reset(); }, from_now(deadline));
  }

  // The operation owns what it captures: its caller may be gone before it ends.
  template <class T>
  Result<T> run(std::function<Result<T>(Session&)> operation) {
    return run_on_core<T>([operation = std::move(operation)](Core& on, const Ticket& ticket) {
      return on.template perform<T>(ticket, operation);
    });
  }

  template <class T, class F>
  Result<T> run_on_core(F work) {
    const auto answer = std::make_shared<std::optional<Result<T>>>();
    const CallOutcome outcome =
        pool.run([on = core, answer, work = std::move(work)](
                     const Ticket& ticket) { answer->emplace(work(*on, ticket)); },
                 from_now(deadline));
    if (outcome == CallOutcome::Done) return std::move(**answer);
    return missed(outcome);
  }

  Error missed(CallOutcome outcome) const;

  std::shared_ptr<Core> core;
  const std::chrono::milliseconds deadline;
  CallPool pool;
};

Error Token::Impl::missed(CallOutcome outcome) const {
  const std::string after = std::to_string(deadline.count()) + " ms";
  std::string why;
  switch (outcome) {
    case CallOutcome::Missed:
      why = "the call did not return within " + after +
            "; what it did is unknown. Remedy: check the way to the token";
      break;
    case CallOutcome::Busy:
      why = "every session was busy for " + after + ". Remedy: allow more sessions, or less load";
      break;
    case CallOutcome::Hung:
      why =
          "calls into the module hang and none has returned. Remedy: check the way to the token; "
          "if they never return, restart this process";
      break;
    case CallOutcome::NoThread:
      why = "the system gave no thread for the call. Remedy: raise the limit of threads";
      break;
    case CallOutcome::Done:
      break;
  }
  return Error{Reason::UnitUnavailable, core->who() + ": " + why, {}};
}

Token::Token(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Token::Token(Token&&) noexcept = default;
Token& Token::operator=(Token&&) noexcept = default;
Token::~Token() = default;

Result<Token> Token::open(TokenChoice choice, SecretBytes pin, TokenOptions options) {
  KH_TRY(check_options(choice, options));
  const std::string who = who_of(choice);
  const auto on_hung = [alarm = options.alarm, who](bool hung) {
    if (!alarm) return;
    alarm(who + (hung ? " hangs: calls answer at once that it is unavailable until one returns"
                      : " returned from a call that hung"));
  };
  auto core = std::make_shared<Core>(std::move(choice), std::move(pin), options);
  auto impl = std::make_unique<Impl>(std::move(core), options, on_hung);
  KH_TRY(impl->run_on_core<void>([](Core& on, const Ticket& ticket) { return on.open(ticket); }));
  return Token(std::move(impl));
}

const TokenFacts& Token::facts() const noexcept { return impl_->core->facts(); }

TokenHealth Token::health() const {
  if (impl_->pool.hung()) return {TokenState::Hung, impl_->missed(CallOutcome::Hung).message};
  return impl_->core->health();
}

Result<KeyName> Token::generate_aes_key(const KeyName& name, AesUse use) {
  KeyName full = KH_TRY(name_to_create(name));
  return impl_->run<KeyName>(
      [full, use](Session& session) { return generate_aes(session, full, use); });
}

Result<KeyName> Token::import_aes_key(const KeyName& name, AesUse use, const SecretBytes& key) {
  KeyName full = KH_TRY(name_to_create(name));
  if (key.size() != kAesKeySize) {
    return Error{Reason::InvalidArgument, "an AES-256 key has 32 bytes", {}};
  }
  const auto owned = std::make_shared<const SecretBytes>(key.clone());
  return impl_->run<KeyName>(
      [full, use, owned](Session& session) { return import_aes(session, full, use, *owned); });
}

Result<KeyName> Token::find_aes_key(const KeyName& name, AesUse use) {
  KH_TRY(check_name(name));
  return impl_->run<KeyName>(
      [name, use](Session& session) { return find_aes(session, name, use); });
}

Result<void> Token::destroy_aes_key(const KeyName& name) {
  KH_TRY(check_name(name));
  return impl_->run<void>([name](Session& session) { return destroy_aes(session, name); });
}

Result<SecretBytes> Token::aes_cmac(const KeyName& key, ByteView data) {
  KH_TRY(check_name(key));
  KH_TRY(check_input_size(data.size()));
  return impl_->run<SecretBytes>(
      [key, data = to_bytes(data)](Session& session) { return cmac(session, key, data); });
}

Result<SecretBytes> Token::aes_ecb_block(const KeyName& key, std::span<const std::uint8_t> block) {
  KH_TRY(check_name(key));
  if (block.size() != 16) {
    return Error{Reason::InvalidArgument, "a block of AES has 16 bytes", {}};
  }
  const auto owned = std::make_shared<const SecretBytes>(SecretBytes::copy_of(block));
  return impl_->run<SecretBytes>(
      [key, owned](Session& session) { return ecb_block(session, key, owned->expose()); });
}

Result<Bytes> Token::seal(const KeyName& key, const SecretBytes& plaintext, ByteView aad) {
  KH_TRY(check_name(key));
  KH_TRY(check_input_size(plaintext.size()));
  KH_TRY(check_input_size(aad.size()));
  const auto owned = std::make_shared<const SecretBytes>(plaintext.clone());
  return impl_->run<Bytes>([key, owned, aad = to_bytes(aad)](Session& session) {
    return gcm_seal(session, key, *owned, aad);
  });
}

Result<SecretBytes> Token::unseal(const KeyName& key, ByteView sealed, ByteView aad) {
  KH_TRY(check_name(key));
  KH_TRY(check_input_size(sealed.size()));
  KH_TRY(check_input_size(aad.size()));
  if (sealed.size() < kSealOverhead) {
    return Error{Reason::DecryptFailed,
                 impl_->core->who() + ": the ciphertext does not open with this key",
                 {}};
  }
  return impl_->run<SecretBytes>(
      [key, sealed = to_bytes(sealed), aad = to_bytes(aad)](Session& session) {
        return gcm_unseal(session, key, sealed, aad);
      });
}

Result<SignatureKey> Token::generate_signature_key(const KeyName& name) {
  KeyName full = KH_TRY(name_to_create(name));
  return impl_->run<SignatureKey>(
      [full](Session& session) { return generate_signature(session, full); });
}

Result<std::vector<SignatureKey>> Token::signature_keys() {
  return impl_->run<std::vector<SignatureKey>>(list_signature);
}

Result<SignatureKey> Token::find_signature_key(const KeyName& name) {
  KH_TRY(check_name(name));
  return impl_->run<SignatureKey>(
      [name](Session& session) { return find_signature(session, name); });
}

Result<crypto::P521Signature> Token::sign_sha512(const KeyName& key, ByteView message) {
  KH_TRY(check_name(key));
  KH_TRY(check_input_size(message.size()));
  return impl_->run<crypto::P521Signature>(
      [key, message = to_bytes(message)](Session& session) { return sign(session, key, message); });
}

Result<void> Token::destroy_signature_key(const KeyName& name) {
  KH_TRY(check_name(name));
  return impl_->run<void>([name](Session& session) { return destroy_signature(session, name); });
}

Result<SecretBytes> Token::take_out(const KeyName& key) {
  KH_TRY(check_name(key));
  return impl_->run<SecretBytes>([key](Session& session) { return token::take_out(session, key); });
}

Result<SecretBytes> Token::random(std::size_t size) {
  if (size == 0 || size > kLargestRandom) {
    return Error{Reason::InvalidArgument, "a token gives 1 to 4096 random bytes at a time", {}};
  }
  return impl_->run<SecretBytes>([size](Session& session) -> Result<SecretBytes> {
    SecretBytes out(size);
    KH_TRY(session.check(session.functions().C_GenerateRandom(
                             session.handle(), out.expose_mutable().data(), out.size()),
                         "C_GenerateRandom"));
    return out;
  });
}

}  // namespace keyhaven::token
