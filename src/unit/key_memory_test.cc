// What is left in memory of a key that the engine gave up: nothing. The whole memory of a process
// like the unit's is searched.
#include <gtest/gtest.h>
#include <inttypes.h>
#include <unistd.h>

#include <cstdio>

#include "crypto/process_memory.h"
#include "unit/ceremony_for_tests.h"
#include "unit/key_engine.h"
#include "unit/root_key.h"

namespace keyhaven::unit {
namespace {

// Sought without being held: the bytes are kept inverted.
class Sought {
 public:
  explicit Sought(const SecretBytes& bytes) {
    for (std::size_t i = 0; i < kSize; ++i)
      inverted_[i] = static_cast<std::uint8_t>(~bytes.expose()[i]);
  }
  // How often they lie in writable memory. A key schedule begins with its key.
  int places() const {
    int found = 0;
    std::FILE* const maps = std::fopen("/proc/self/maps", "re");
    char line[512];
    while (std::fgets(line, sizeof line, maps) != nullptr) {
      std::uintptr_t begin = 0;
      std::uintptr_t end = 0;
      char rights[8];
      if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s", &begin, &end, rights) == 3 &&
          rights[0] == 'r' && rights[1] == 'w') {
        found += places(reinterpret_cast<const std::uint8_t*>(begin), end - begin);
      }
    }
    std::fclose(maps);
    return found;
  }

 private:
  static constexpr std::size_t kSize = 32;

  int places(const std::uint8_t* memory, std::size_t size) const {
    int found = 0;
    for (std::size_t at = 0; at + kSize <= size; ++at) {
      std::size_t equal = 0;
      while (equal < kSize && memory[at + equal] == static_cast<std::uint8_t>(~inverted_[equal]))
        ++equal;
      found += equal == kSize ? 1 : 0;
    }
    return found;
  }

  std::array<std::uint8_t, kSize> inverted_{};
};

enum class GiveUp { Drop, DropAnother, Expiry, Eviction, MasterKeyGone };

// Uses a known key, gives it up, and tells whether its wrapping key is in memory before and no
// longer after: 0. (1 and 2: the test itself does not work.)
int search_after(GiveUp how) {
  if (!crypto::use_locked_arena_for_libcrypto()) return 1;
  TestDeployment deployment;
  const InstanceId instance = test_instance(1);
  const Administrators administrators(2);
  const auto units = deployment.initialise(instance, administrators, random_parts());
  KeyEngine engine(deployment.table(), deployment.clock(),
                   {.max_opened_keys = how == GiveUp::Eviction ? std::size_t{1} : 16});
  const KeyBinding binding = test_binding(instance);
  const KeyBinding other = test_binding(instance, 2);
  KeyBlob blob;
  const Sought sought = [&] {
    const SecretBytes material = crypto::random_secret(32);
    blob = engine.import_root_key(binding, material).value().blob;
    return Sought(derive_wrapping_key(material));
  }();
  const KeyBlob another = engine.generate_root_key(other).value().blob;
  const auto use = [&](const KeyBinding& key, const KeyBlob& sealed) {
    const auto wrapped = engine.wrap(key, sealed.bytes, SecretBytes{}, {}).value();
    KH_ASSERT(engine.unwrap(key, sealed.bytes, wrapped.wrapped_dek, {}, nullptr));
  };
  use(other, another);
  use(binding, blob);
  const int places = sought.places();
  if (places < 2) return 2;  // the kept key, and the schedule of the context
  switch (how) {
    case GiveUp::Drop:
      engine.drop({blob});
      break;
    case GiveUp::DropAnother:  // the key itself stays
      engine.drop({another});
      return sought.places() == 1 ? 0 : 3;
    case GiveUp::Expiry:
      deployment.clock().advance_seconds(300);
      use(binding, blob);  // opened anew, in place of the old
      if (sought.places() != places) return 3;
      deployment.clock().advance_seconds(300);
      use(other, another);  // takes along what expired
      break;
    case GiveUp::Eviction:
      use(other, another);
      break;
    case GiveUp::MasterKeyGone: {
      auto with = deployment.session(instance, units[0]);
      KH_ASSERT(with.zeroize(administrators.all()));
      engine.drop({});
      break;
    }
  }
  return sought.places() == 0 ? 0 : 4;
}

void expect_nothing_after(GiveUp how) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory is too large to search";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(::_exit(search_after(how)), testing::ExitedWithCode(0), "");
}

TEST(KeyMemoryTest, NothingIsLeftOfADroppedKey) { expect_nothing_after(GiveUp::Drop); }
TEST(KeyMemoryTest, ADroppedKeyTakesTheContextsSchedulesAlong) {
  expect_nothing_after(GiveUp::DropAnother);
}
TEST(KeyMemoryTest, NothingIsLeftOfAnExpiredKey) { expect_nothing_after(GiveUp::Expiry); }
TEST(KeyMemoryTest, NothingIsLeftOfAnEvictedKey) { expect_nothing_after(GiveUp::Eviction); }
TEST(KeyMemoryTest, NothingIsLeftAfterZeroize) { expect_nothing_after(GiveUp::MasterKeyGone); }

}  // namespace
}  // namespace keyhaven::unit
