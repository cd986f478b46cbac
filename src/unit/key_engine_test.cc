#include "unit/key_engine.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "crypto/aead.h"
#include "tke/document_for_tests.h"
#include "unit/ceremony_for_tests.h"
#include "unit/key_blob.h"
#include "unit/wrapped_dek.h"

namespace keyhaven::unit {
namespace {

TEST(KeyBlobTest, WorkedExampleOfTheDocument) {
  const tke::DocumentExample example(KH_SOURCE_DIR, "key-blob.md");
  const SecretBytes master_key = SecretBytes::copy_of(example.bytes("master-key"));
  KeyBinding binding;
  const auto place = [&](const char* name, Uuid& uuid) {
    const Bytes bytes = example.bytes(name);
    ASSERT_EQ(bytes.size(), 16u);
    std::copy(bytes.begin(), bytes.end(), uuid.bytes.begin());
  };
  place("instance", binding.instance.uuid);
  place("key", binding.key.uuid);
  place("version", binding.version.uuid);
  const auto pattern = tke::verification_pattern(master_key);
  EXPECT_EQ(to_hex(pattern), to_hex(example.bytes("verification-pattern")));
  EXPECT_EQ(to_hex(derive_blob_key(master_key).expose()), to_hex(example.bytes("blob-key")));

  BlobPattern half{};
  std::copy_n(pattern.begin(), half.size(), half.begin());
  const BlobHeader header = make_blob_header(BlobPurpose::RootKey, {half}, binding);
  crypto::XaesKey key(derive_blob_key(master_key));
  Bytes made(header.begin(), header.end());
  append(made, example.bytes("nonce"));
  append(made, key.seal_with_nonce_for_vectors(example.bytes("nonce"), example.bytes("material"),
                                               header));
  EXPECT_EQ(to_hex(made), to_hex(example.bytes("blob")));
  EXPECT_EQ(check_blob_header(made, BlobPurpose::RootKey, binding)->pattern, half);
}

// An initialised instance 1 (and 2 with the same key parts, so with an equal master key), one
// engine.
class KeyEngineTest : public testing::Test {
 protected:
  KeyEngineTest() {
    units_ = deployment_.initialise(instance_, administrators_, parts_);
    deployment_.initialise(twin_, administrators_, parts_);
  }
  void zeroize_all() {
    for (const UnitStatus& unit : units_) {
      deployment_.session(instance_, unit).zeroize(administrators_.all()).value();
    }
  }

  InstanceId instance_ = test_instance(1);
  InstanceId twin_ = test_instance(2);
  Administrators administrators_{2};
  std::vector<SecretBytes> parts_ = random_parts();
  TestDeployment deployment_;
  std::vector<UnitStatus> units_;
  KeyEngine engine_{deployment_.table(), deployment_.clock()};
  KeyBinding binding_ = test_binding(instance_);
};

TEST_F(KeyEngineTest, AnUninitialisedInstanceIsNamedAsSuch) {
  const InstanceId fresh = test_instance(3);
  for (int round = 0; round < 2; ++round) {  // unknown, then with units in imprint mode
    const auto made = engine_.generate_root_key(test_binding(fresh));
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().reason, Reason::InstanceNotInitialized);
    EXPECT_NE(made.error().message.find("CKR_IBM_WK_NOT_INITIALIZED"), std::string::npos);
    ASSERT_TRUE(deployment_.table().create_units(fresh, "local", 2).has_value());
  }
}

TEST_F(KeyEngineTest, AllUnitsMustBeValidAndEqual) {
  const InstanceId instance = test_instance(4);
  const auto units = deployment_.table().create_units(instance, "local", 2).value();
  auto first = deployment_.session(instance, units[0]);
  TestDeployment::enroll(first, administrators_).value();
  TestDeployment::load(first, administrators_, random_parts()).value();
  EXPECT_EQ(engine_.generate_root_key(test_binding(instance)).error().reason,
            Reason::InstanceNotInitialized);
  auto second = deployment_.session(instance, units[1]);
  TestDeployment::enroll(second, administrators_).value();
  TestDeployment::load(second, administrators_, random_parts()).value();
  EXPECT_EQ(engine_.generate_root_key(test_binding(instance)).error().reason, Reason::UnitsDiffer);
}

TEST_F(KeyEngineTest, StandardKeysRoundTrip) {
  const SecretBytes payload = crypto::random_secret(kMaxStandardPayloadBytes);
  const KeyBlob blob = engine_.create_standard_key(binding_, payload).value();
  EXPECT_EQ(blob.bytes.size(), payload.size() + kBlobOverhead);
  EXPECT_TRUE(*engine_.open_standard_key(binding_, blob.bytes) == payload);
  const KeyBlob generated = engine_.create_standard_key(binding_, SecretBytes{}).value();
  EXPECT_EQ(engine_.open_standard_key(binding_, generated.bytes)->size(), 32u);
  EXPECT_EQ(engine_.create_standard_key(binding_, SecretBytes(kMaxStandardPayloadBytes + 1))
                .error()
                .reason,
            Reason::InvalidField);
}

TEST_F(KeyEngineTest, RootKeySizes) {
  for (std::size_t size = 0; size <= 40; ++size) {
    const auto imported = engine_.import_root_key(binding_, SecretBytes(size));
    EXPECT_EQ(imported.has_value(), size == 16 || size == 24 || size == 32) << size;
    if (!imported) {
      EXPECT_EQ(imported.error().reason, Reason::InvalidField);
    }
  }
}

TEST_F(KeyEngineTest, ARootKeyIsNeverHandedOutAsAStandardKey) {
  const auto root = engine_.generate_root_key(binding_).value();
  EXPECT_EQ(engine_.open_standard_key(binding_, root.blob.bytes).error().reason,
            Reason::DecryptFailed);
  const KeyBlob standard = engine_.create_standard_key(binding_, SecretBytes(32)).value();
  EXPECT_EQ(engine_.wrap(binding_, standard.bytes, SecretBytes{}, {}).error().reason,
            Reason::DecryptFailed);
  // Changing the clear purpose does not help.
  Bytes relabelled = root.blob.bytes;
  relabelled[4] = 2;
  EXPECT_EQ(engine_.open_standard_key(binding_, relabelled).error().reason, Reason::DecryptFailed);
}

TEST_F(KeyEngineTest, ABlobOpensOnlyForItsInstanceKeyAndVersion) {
  const auto root = engine_.generate_root_key(binding_).value();
  ASSERT_TRUE(
      engine_.wrap(binding_, root.blob.bytes, SecretBytes{}, {}).has_value());  // now cached
  for (const KeyBinding& other :
       {test_binding(twin_), test_binding(instance_, 2, 1), test_binding(instance_, 1, 2)}) {
    EXPECT_EQ(engine_.wrap(other, root.blob.bytes, SecretBytes{}, {}).error().reason,
              Reason::DecryptFailed);
    // Nor with its clear header rewritten to fit, though instance and twin have equal master keys.
    Bytes rewritten = root.blob.bytes;
    std::copy(other.instance.view().begin(), other.instance.view().end(), rewritten.begin() + 24);
    std::copy(other.key.view().begin(), other.key.view().end(), rewritten.begin() + 40);
    std::copy(other.version.view().begin(), other.version.view().end(), rewritten.begin() + 56);
    EXPECT_EQ(engine_.wrap(other, rewritten, SecretBytes{}, {}).error().reason,
              Reason::DecryptFailed);
  }
}

TEST_F(KeyEngineTest, EveryChangedByteAndTruncationOfABlobIsRefused) {
  const auto root = engine_.generate_root_key(binding_).value();
  for (std::size_t i = 0; i < root.blob.bytes.size(); ++i) {
    Bytes changed = root.blob.bytes;
    changed[i] ^= 0x10;
    // Bytes 8 to 23 name the master key: changed, they name another one.
    const bool names_the_master_key = i >= 8 && i < 24;
    EXPECT_EQ(engine_.wrap(binding_, changed, SecretBytes{}, {}).error().reason,
              names_the_master_key ? Reason::InstanceNotInitialized : Reason::DecryptFailed)
        << i;
    EXPECT_EQ(engine_.wrap(binding_, ByteView(root.blob.bytes).first(i), SecretBytes{}, {})
                  .error()
                  .reason,
              Reason::DecryptFailed)
        << i;
  }
  Bytes longer = root.blob.bytes;
  longer.push_back(0);
  EXPECT_FALSE(engine_.wrap(binding_, longer, SecretBytes{}, {}).has_value());
  EXPECT_FALSE(engine_.wrap(binding_, Bytes(kMaxBlobBytes + 1, 0), SecretBytes{}, {}).has_value());
}

TEST_F(KeyEngineTest, EqualMaterialOpensUnderAnotherKeyAndInstance) {
  const SecretBytes material = crypto::random_secret(24);
  const KeyBinding elsewhere = test_binding(twin_, 7, 8);
  const auto here = engine_.import_root_key(binding_, material).value();
  const auto there = engine_.import_root_key(elsewhere, material).value();
  EXPECT_EQ(here.commitment, there.commitment);
  EXPECT_NE(here.blob, there.blob);
  const auto wrapped = engine_.wrap(binding_, here.blob.bytes, SecretBytes{}, {"x"}).value();
  EXPECT_EQ(*commitment_of(wrapped.wrapped_dek), here.commitment);
  const auto opened =
      engine_.unwrap(elsewhere, there.blob.bytes, wrapped.wrapped_dek, {"x"}, nullptr).value();
  EXPECT_TRUE(opened.dek == wrapped.generated_dek);
}

TEST_F(KeyEngineTest, UnwrapAndRewrapMoveToTheNewestVersion) {
  const KeyBinding newer = test_binding(instance_, 1, 2);
  const auto old_version = engine_.generate_root_key(binding_).value();
  const auto new_version = engine_.generate_root_key(newer).value();
  const CryptoUnit::Newest newest{newer, &new_version.blob};
  const SecretBytes dek = crypto::random_secret(48);
  const auto wrapped = engine_.wrap(binding_, old_version.blob.bytes, dek, {"a"}).value();
  EXPECT_TRUE(wrapped.generated_dek.empty());

  const auto unwrapped =
      engine_.unwrap(binding_, old_version.blob.bytes, wrapped.wrapped_dek, {"a"}, &newest).value();
  EXPECT_TRUE(unwrapped.dek == dek);
  EXPECT_EQ(*commitment_of(unwrapped.rewrapped), new_version.commitment);
  EXPECT_TRUE(
      engine_.unwrap(newer, new_version.blob.bytes, unwrapped.rewrapped, {"a"}, nullptr)->dek ==
      dek);
  const Bytes rewrapped =
      engine_.rewrap(binding_, old_version.blob.bytes, wrapped.wrapped_dek, {"a"}, newest).value();
  EXPECT_TRUE(engine_.unwrap(newer, new_version.blob.bytes, rewrapped, {"a"}, nullptr)->dek == dek);
  EXPECT_EQ(engine_.rewrap(binding_, old_version.blob.bytes, wrapped.wrapped_dek, {"b"}, newest)
                .error()
                .reason,
            Reason::CiphertextInvalid);
}

TEST_F(KeyEngineTest, AWarmWrapOpensNothing) {
  const auto root = engine_.generate_root_key(binding_).value();
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(engine_.wrap(binding_, root.blob.bytes, SecretBytes{}, {}).has_value());
  EXPECT_EQ(engine_.statistics().misses, 1u);
  EXPECT_EQ(engine_.statistics().hits, 9u);
  // Another instance's ceremony traffic that changes no key leaves the cache alone.
  ASSERT_TRUE(deployment_.session(twin_, deployment_.table().list_units(twin_).value()[0])
                  .clear_pending(administrators_.some({0}))
                  .has_value());
  ASSERT_TRUE(engine_.wrap(binding_, root.blob.bytes, SecretBytes{}, {}).has_value());
  EXPECT_EQ(engine_.statistics().misses, 1u);
}

TEST_F(KeyEngineTest, OpenedKeysExpireAndAreDropped) {
  const auto root = engine_.generate_root_key(binding_).value();
  const auto wrap = [&] {
    ASSERT_TRUE(engine_.wrap(binding_, root.blob.bytes, SecretBytes{}, {}).has_value());
  };
  wrap();
  deployment_.clock().advance_seconds(299);
  wrap();
  EXPECT_EQ(engine_.statistics().misses, 1u);
  deployment_.clock().advance_seconds(1);
  wrap();
  EXPECT_EQ(engine_.statistics().misses, 2u);
  deployment_.clock().advance_seconds(-10);  // a clock set back does not make a key live longer
  wrap();
  EXPECT_EQ(engine_.statistics().misses, 3u);
  engine_.drop({root.blob});
  EXPECT_EQ(engine_.statistics().opened_keys, 0u);
  wrap();
  EXPECT_EQ(engine_.statistics().misses, 4u);
}

TEST_F(KeyEngineTest, KeysThatNobodyUsesGoWhenTheirTimeIsOver) {
  std::vector<KeyBlob> blobs;
  const auto wrap = [&](std::uint8_t i) {
    ASSERT_TRUE(
        engine_.wrap(test_binding(instance_, i), blobs[i].bytes, SecretBytes{}, {}).has_value());
  };
  for (std::uint8_t i = 0; i < 9; ++i) {
    blobs.push_back(engine_.generate_root_key(test_binding(instance_, i)).value().blob);
    wrap(i);
  }
  EXPECT_EQ(engine_.statistics().opened_keys, 9u);
  deployment_.clock().advance_seconds(200);
  engine_.drop({blobs[8]});
  wrap(8);
  deployment_.clock().advance_seconds(100);
  for (int i = 0; i < 4; ++i) wrap(8);  // two of the others go with each call
  EXPECT_EQ(engine_.statistics().opened_keys, 1u);
  EXPECT_EQ(engine_.statistics().misses, 10u);
}

TEST_F(KeyEngineTest, TheCacheIsBoundedAndEvictsTheLeastRecentlyUsed) {
  KeyEngine small(deployment_.table(), deployment_.clock(), {.max_opened_keys = 2});
  std::vector<KeyBlob> blobs;
  const auto wrap = [&](std::uint8_t i) {
    ASSERT_TRUE(
        small.wrap(test_binding(instance_, i), blobs[i].bytes, SecretBytes{}, {}).has_value());
  };
  for (std::uint8_t i = 0; i < 3; ++i) {
    blobs.push_back(small.generate_root_key(test_binding(instance_, i)).value().blob);
  }
  wrap(0);
  wrap(1);
  wrap(0);
  wrap(2);  // evicts 1
  EXPECT_EQ(small.statistics().opened_keys, 2u);
  wrap(0);
  EXPECT_EQ(small.statistics().misses, 3u);
  wrap(1);
  EXPECT_EQ(small.statistics().misses, 4u);
}

TEST_F(KeyEngineTest, WithoutACacheEverythingStillWorks) {
  for (const std::size_t limit : {0u, 1u}) {
    KeyEngine none(deployment_.table(), deployment_.clock(), {.max_opened_keys = limit});
    const KeyBinding newer = test_binding(instance_, 1, 2);
    const auto root = none.generate_root_key(binding_).value();
    const auto second = none.generate_root_key(newer).value();
    const auto wrapped = none.wrap(binding_, root.blob.bytes, SecretBytes{}, {}).value();
    const CryptoUnit::Newest newest{newer, &second.blob};
    const auto opened =
        none.unwrap(binding_, root.blob.bytes, wrapped.wrapped_dek, {}, &newest).value();
    EXPECT_TRUE(opened.dek == wrapped.generated_dek);
    EXPECT_TRUE(none.unwrap(newer, second.blob.bytes, opened.rewrapped, {}, nullptr)->dek ==
                opened.dek);
    EXPECT_EQ(none.statistics().opened_keys, limit);
    if (limit == 0) {
      EXPECT_EQ(none.statistics().hits, 0u);
    }
  }
}

TEST_F(KeyEngineTest, AfterZeroizeNothingOpensAnyMore) {
  const auto root = engine_.generate_root_key(binding_).value();
  ASSERT_TRUE(engine_.wrap(binding_, root.blob.bytes, SecretBytes{}, {}).has_value());
  auto with = deployment_.session(instance_, units_[0]);
  auto other = deployment_.session(instance_, units_[1]);
  ASSERT_TRUE(other.zeroize(administrators_.all()).has_value());
  EXPECT_TRUE(engine_.wrap(binding_, root.blob.bytes, SecretBytes{}, {}).has_value())
      << "another unit serves";
  ASSERT_TRUE(with.zeroize(administrators_.all()).has_value());
  EXPECT_EQ(engine_.wrap(binding_, root.blob.bytes, SecretBytes{}, {}).error().reason,
            Reason::InstanceNotInitialized);
  EXPECT_EQ(engine_.statistics().opened_keys, 0u);
  // The same parts again: the blob opens again; other parts: it never does.
  TestDeployment::enroll(with, administrators_).value();
  TestDeployment::load(with, administrators_, parts_).value();
  EXPECT_TRUE(engine_.wrap(binding_, root.blob.bytes, SecretBytes{}, {}).has_value());
}

TEST_F(KeyEngineTest, AnotherMasterKeyDoesNotOpenTheBlob) {
  const auto root = engine_.generate_root_key(binding_).value();
  const auto parts = random_parts();
  for (const UnitStatus& status : units_) {
    auto with = deployment_.session(instance_, status);
    TestDeployment::load(with, administrators_, parts).value();
  }
  const auto wrapped = engine_.wrap(binding_, root.blob.bytes, SecretBytes{}, {});
  ASSERT_FALSE(wrapped.has_value());
  EXPECT_EQ(wrapped.error().reason, Reason::InstanceNotInitialized);
  EXPECT_NE(wrapped.error().message.find("another master key"), std::string::npos);
}

TEST_F(KeyEngineTest, DroppingNothingStillForgetsKeysOfAnOldMasterKey) {
  const auto root = engine_.generate_root_key(binding_).value();
  ASSERT_TRUE(engine_.wrap(binding_, root.blob.bytes, SecretBytes{}, {}).has_value());
  zeroize_all();
  engine_.drop({});
  EXPECT_EQ(engine_.statistics().opened_keys, 0u);
}

TEST_F(KeyEngineTest, EnginesOfSeveralThreadsShareATableThatChanges) {
  const auto root = engine_.generate_root_key(binding_).value();
  std::atomic<int> wraps{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      KeyEngine own(deployment_.table(), deployment_.clock());
      while (true) {
        const auto wrapped = own.wrap(binding_, root.blob.bytes, SecretBytes{}, {});
        const auto opened =
            wrapped ? own.unwrap(binding_, root.blob.bytes, wrapped->wrapped_dek, {}, nullptr)
                    : Result<UnwrapResult>(wrapped.error());
        if (!opened) {
          EXPECT_EQ(opened.error().reason, Reason::InstanceNotInitialized);
          return;
        }
        EXPECT_TRUE(opened->dek == wrapped->generated_dek);
        ++wraps;
      }
    });
  }
  while (wraps < 100) std::this_thread::yield();
  deployment_.initialise(test_instance(9), administrators_, random_parts(), 1);  // generations move
  zeroize_all();
  for (std::thread& thread : threads) thread.join();  // every engine notices by itself
  EXPECT_GE(wraps, 100);
}

RC_GTEST_PROP(KeyEnginePropertyTest, ArbitraryBlobsAreRefused, (const Bytes& bytes)) {
  static TestDeployment deployment;
  static const Administrators administrators(2);
  static const auto units =
      deployment.initialise(test_instance(1), administrators, random_parts(), 1);
  static KeyEngine engine(deployment.table(), deployment.clock());
  const KeyBinding binding = test_binding(test_instance(1));
  RC_ASSERT(!engine.open_standard_key(binding, bytes).has_value());
  Bytes headed = engine.create_standard_key(binding, SecretBytes{})->bytes;
  headed.resize(kBlobHeaderSize);
  append(headed, bytes);
  RC_ASSERT(engine.open_standard_key(binding, headed).error().reason == Reason::DecryptFailed);
}

}  // namespace
}  // namespace keyhaven::unit
