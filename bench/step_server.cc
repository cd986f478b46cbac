#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>

#include "audit/log.h"
#include "crypto/random.h"
#include "http/json.h"
#include "http/key_requests.h"
#include "iam/memory_iam_store.h"
#include "iam/token_cache.h"
#include "keys/directory.h"
#include "net/http_server.h"
#include "steps.h"

namespace keyhaven::bench {
namespace {

void measure_token(double seconds, Steps& steps) {
  const SystemClock clock;
  iam::MemoryIamStore store;
  auto issuer = iam::TokenIssuer::create(crypto::RsaPrivateKey::generate_2048(),
                                         "https://localhost/identity", std::string(32, '0'));
  const auto authority = iam::Authority::load(store, std::move(issuer).value(), clock).value();
  std::string secret;
  const auto deliver = [&](const iam::Identity&, const iam::CreatedApiKey& key) -> Result<void> {
    secret.assign(as_text(key.secret.expose()));
    return {};
  };
  KH_ASSERT(authority->bootstrap(deliver).value());
  const std::string token = authority->exchange(secret).value().token.access_token;
  iam::TokenCache cache(*authority, clock);
  const InstanceId instance{crypto::random_uuid()};
  const iam::Scope scope{.instance = &instance, .key_ring = "default", .key = nullptr};
  steps.push_back({"token_cache_hit", measure_us(seconds, 1, [&] {
                     KH_ASSERT(cache.authenticate(token).has_value());
                   })});
  const auto caller = cache.authenticate(token).value();
  steps.push_back({"authorize", measure_us(seconds, 1, [&] {
                     KH_ASSERT(caller->may(iam::Action::SecretsWrap, scope));
                   })});
  steps.push_back({"token_verify", measure_us(seconds, 1, [&] {
                     KH_ASSERT(authority->caller_for(token).has_value());
                   })});
}

void measure_directory(double seconds, Steps& steps) {
  keys::Directory directory;
  const InstanceId instance{crypto::random_uuid()};
  std::string id;
  for (int i = 0; i < 10'000; ++i) {
    keys::KeyRecord record;
    record.instance = instance;
    record.id = KeyId{crypto::random_uuid()};
    record.versions.emplace_back();
    id = record.id.text();
    directory.load(std::move(record));
  }
  steps.push_back({"key_look_up", measure_us(seconds, 1, [&] {
                     KH_ASSERT(directory.resolve(instance, id, {}) != nullptr);
                   })});
}

void measure_json(double seconds, Steps& steps) {
  const std::string text =
      R"({"plaintext":")" + to_base64(Bytes(32)) + R"(","aad":["customer-4711"]})";
  Bytes body(text.begin(), text.end());
  body.resize(text.size() + net::kBodySlack);
  steps.push_back({"json_read_wrap", measure_us(seconds, 1, [&] {
                     const auto request = http::read_wrap(std::span(body).first(text.size()));
                     KH_ASSERT(request.has_value() && request->plaintext.size() == 32);
                   })});
  const Bytes wrapped(108);
  steps.push_back(
      {"json_write_wrap", measure_us(seconds, 1, [&] {
         std::string out;
         out.reserve(512);
         http::JsonWriter json(out);
         json.begin_object().key("ciphertext").base64(wrapped);
         json.key("keyVersion").begin_object().field("id", std::string(36, '0')).end_object();
         json.end_object();
         KH_ASSERT(!out.empty());
       })});
}

audit::Event wrap_event(const Clock& clock) {
  audit::Event event;
  event.time = clock.now();
  event.action = "hs-crypto.secrets.wrap";
  event.outcome = audit::Outcome::Success;
  event.status = 200;
  event.initiator_id = "iam-ServiceId-11111111-1111-4111-8111-111111111111";
  event.initiator_name = "application";
  event.initiator_address = "127.0.0.1";
  event.initiator_agent = "keyhaven-bench";
  event.instance_id = "22222222-2222-4222-8222-222222222222";
  event.target_id = "crn:v1:bluemix:public:hs-crypto:local:a/" + std::string(32, '0') + ":" +
                    event.instance_id + ":key:33333333-3333-4333-8333-333333333333";
  event.correlation_id = "44444444-4444-4444-8444-444444444444";
  event.request_uri = "/api/v2/keys/33333333-3333-4333-8333-333333333333/actions/wrap";
  event.details.emplace_back("responseData.keyVersionId", "33333333-3333-4333-8333-333333333333");
  return event;
}

void measure_audit(double seconds, const std::string& directory, Steps& steps) {
  const SystemClock clock;
  audit::LogOptions options;
  options.directory = directory + "/audit";
  const auto log = audit::Log::open(options, crypto::Ed25519PrivateKey::generate(), clock).value();
  const audit::Event event = wrap_event(clock);
  for (const int batch : {1, 8, 32}) {
    steps.push_back({"audit_batch_" + std::to_string(batch),
                     measure_us(seconds, static_cast<std::size_t>(batch), [&] {
                       for (int i = 0; i < batch; ++i) log->append_loop(0, event);
                       KH_ASSERT(log->flush_loop(0).has_value());
                     })});
  }
}

// Elapsed time, not CPU: what every durable change has to wait for on this disk.
void measure_sync(double seconds, const std::string& directory, Steps& steps) {
  using SteadyClock = std::chrono::steady_clock;
  const std::string path = directory + "/sync";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  KH_ASSERT(fd >= 0);
  const Bytes block(4096);
  const auto began = SteadyClock::now();
  int writes = 0;
  while (SteadyClock::now() - began < std::chrono::duration<double>(seconds)) {
    KH_ASSERT(::pwrite(fd, block.data(), block.size(), (writes % 256) * 4096) == 4096);
    KH_ASSERT(::fdatasync(fd) == 0);
    ++writes;
  }
  ::close(fd);
  const double elapsed_us =
      std::chrono::duration<double, std::micro>(SteadyClock::now() - began).count();
  steps.push_back({"fdatasync_4k_elapsed", elapsed_us / writes});
}

}  // namespace

void measure_server(double seconds, const std::string& directory, Steps& steps) {
  measure_token(seconds, steps);
  measure_directory(seconds, steps);
  measure_json(seconds, steps);
  measure_audit(seconds, directory, steps);
  measure_sync(seconds, directory, steps);
}

}  // namespace keyhaven::bench
