#include "unitd/cache_budget.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/locked_arena.h"
#include "crypto/process_memory.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::unitd {
namespace {

struct Made {
  unit::KeyBinding binding;
  unit::KeyBlob blob;
};

std::vector<Made> make_keys(unit::KeyEngine& engine, const InstanceId& instance,
                            std::size_t count) {
  std::vector<Made> keys(count);
  for (Made& key : keys) {
    key.binding.instance = instance;
    key.binding.key.uuid = crypto::random_uuid();
    key.binding.version.uuid = key.binding.key.uuid;
    key.blob = engine.generate_root_key(key.binding).value().blob;
  }
  return keys;
}

void wrap_with_each(unit::KeyEngine& engine, const std::vector<Made>& keys) {
  const SecretBytes dek(32);
  for (const Made& key : keys) KH_ASSERT(engine.wrap(key.binding, key.blob.bytes, dek, {}));
}

// A process like the unit's, with two engines that keep 10,000 opened keys each: what it locks
// stays within the usual limit, and each key within its share. 0 if so.
int open_ten_thousand_keys_twice() {
  if (!crypto::use_locked_arena_for_libcrypto()) return 1;
  constexpr std::size_t kKeys = 10'000;
  unit::TestDeployment deployment;
  const InstanceId instance = unit::test_instance(1);
  deployment.initialise(instance, unit::Administrators(2), unit::random_parts());
  const unit::KeyEngineOptions options{.max_opened_keys = opened_keys_per_channel(8U << 20, 2)};
  unit::KeyEngine first(deployment.table(), deployment.clock(), options);
  unit::KeyEngine second(deployment.table(), deployment.clock(), options);
  const std::vector<Made> keys = make_keys(first, instance, kKeys);
  wrap_with_each(second, {keys[0]});  // has its contexts now
  const std::size_t before = locked_arena::usage().mapped_bytes;
  wrap_with_each(first, keys);
  wrap_with_each(second, keys);
  wrap_with_each(first, keys);  // and none had to go
  if (first.statistics().opened_keys != kKeys || first.statistics().misses != kKeys) return 2;
  const locked_arena::Usage after = locked_arena::usage();
  if (after.mapped_bytes - before > 2 * kKeys * kOpenedKeyBytes) return 3;
  return after.mapped_bytes <= 8U << 20 ? 0 : 4;
}

TEST(CacheBudgetTest, TenThousandOpenedKeysPerChannelFitIntoEightMebibytes) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(::_exit(open_ten_thousand_keys_twice()), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace keyhaven::unitd
