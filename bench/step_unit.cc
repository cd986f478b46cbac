#include "crypto/aead.h"
#include "crypto/random.h"
#include "steps.h"
#include "unit/ceremony_for_tests.h"
#include "unit/key_engine.h"

namespace keyhaven::bench {
namespace {

// Keys used in turn: every wrap finds the contexts keyed for another key, as under mixed load.
void measure_keys_in_turn(double seconds, unit::KeyEngine& engine, const InstanceId& instance,
                          Steps& steps) {
  struct Made {
    unit::KeyBinding binding;
    unit::KeyBlob blob;
  };
  for (const std::size_t count : {std::size_t{2}, std::size_t{10}, std::size_t{10'000}}) {
    std::vector<Made> keys(count);
    for (Made& key : keys) {
      key.binding = {.instance = instance, .key = {crypto::random_uuid()}, .version = {}};
      key.blob = engine.generate_root_key(key.binding).value().blob;
    }
    const SecretBytes dek(32);
    std::size_t next = 0;
    const auto wrap = [&] {
      const Made& key = keys[next++ % count];
      KH_ASSERT(engine.wrap(key.binding, key.blob.bytes, dek, {}).has_value());
    };
    for (std::size_t i = 0; i < count; ++i) wrap();
    steps.push_back({"unit_wrap_" + std::to_string(count) + "_keys", measure_us(seconds, 1, wrap)});
  }
}

// What keying shared contexts costs: two keys in turn, once on shared contexts, once on their own.
void measure_contexts(double seconds, Steps& steps) {
  crypto::XaesContexts shared;
  std::array<crypto::XaesKey, 2> sharing = {crypto::XaesKey(crypto::random_secret(32), shared),
                                            crypto::XaesKey(crypto::random_secret(32), shared)};
  std::array<crypto::XaesKey, 2> owning = {crypto::XaesKey(crypto::random_secret(32)),
                                           crypto::XaesKey(crypto::random_secret(32))};
  const Bytes plaintext(32);
  Bytes out(plaintext.size() + crypto::kXaesOverhead);
  const auto measure = [&](const char* name, std::array<crypto::XaesKey, 2>& keys) {
    std::size_t next = 0;
    steps.push_back(
        {name, measure_us(seconds, 1, [&] { keys[next++ % 2].seal_into(plaintext, {}, out); })});
  };
  measure("xaes_seal_shared_contexts", sharing);
  measure("xaes_seal_own_contexts", owning);
}

}  // namespace

void measure_unit(double seconds, Steps& steps) {
  const InstanceId instance = unit::test_instance(1);
  unit::TestDeployment deployment;
  deployment.initialise(instance, unit::Administrators(2), unit::random_parts());
  const unit::KeyBinding binding = unit::test_binding(instance);
  unit::KeyEngine engine(deployment.table(), deployment.clock());
  const unit::KeyBlob blob = engine.generate_root_key(binding).value().blob;
  const SecretBytes dek(32);
  const Bytes wrapped = engine.wrap(binding, blob.bytes, dek, {}).value().wrapped_dek;

  steps.push_back({"unit_wrap", measure_us(seconds, 1, [&] {
                     KH_ASSERT(engine.wrap(binding, blob.bytes, dek, {}).has_value());
                   })});
  steps.push_back({"unit_unwrap", measure_us(seconds, 1, [&] {
                     KH_ASSERT(
                         engine.unwrap(binding, blob.bytes, wrapped, {}, nullptr).has_value());
                   })});
  measure_keys_in_turn(seconds, engine, instance, steps);
  measure_contexts(seconds, steps);
  unit::KeyEngineOptions uncached;
  uncached.max_opened_keys = 0;
  unit::KeyEngine cold(deployment.table(), deployment.clock(), uncached);
  steps.push_back({"unit_wrap_cold", measure_us(seconds, 1, [&] {
                     KH_ASSERT(cold.wrap(binding, blob.bytes, dek, {}).has_value());
                   })});
}

}  // namespace keyhaven::bench
