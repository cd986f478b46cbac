#include "steps.h"
#include "unit/ceremony_for_tests.h"
#include "unit/key_engine.h"

namespace keyhaven::bench {

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
  unit::KeyEngineOptions uncached;
  uncached.max_opened_keys = 0;
  unit::KeyEngine cold(deployment.table(), deployment.clock(), uncached);
  steps.push_back({"unit_wrap_cold", measure_us(seconds, 1, [&] {
                     KH_ASSERT(cold.wrap(binding, blob.bytes, dek, {}).has_value());
                   })});
}

}  // namespace keyhaven::bench
