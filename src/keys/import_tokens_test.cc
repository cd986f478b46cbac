// Import tokens with the real software unit and a store in memory.
#include "keys/import_tokens.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "crypto/random.h"
#include "crypto/secure_import_for_tests.h"
#include "keys/memory_import_token_store.h"
#include "keys/surroundings_for_tests.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::keys {
namespace {

// One ceremony for all tests: instances 1 and 2 are initialised.
unit::TestDeployment& deployment() {
  static auto* made = [] {
    auto* fresh = new unit::TestDeployment;  // lives as long as the process
    const unit::Administrators administrators(2);
    fresh->initialise(unit::test_instance(1), administrators, unit::random_parts());
    fresh->initialise(unit::test_instance(2), administrators, unit::random_parts());
    return fresh;
  }();
  return *made;
}

// What a client sends that has retrieved the token.
unit::EncryptedMaterial encrypt(const ImportToken& token, ByteView key) {
  const Bytes iv(12, 3);
  return {crypto::oaep_encrypt(token.public_key, key, crypto::OaepHash::Sha256),
          crypto::aes_encrypt(key, iv, token.nonce), iv, unit::OaepHash::Sha256};
}

class ImportTokensTest : public testing::Test {
 protected:
  ImportTokensTest() { unit.set_import_key_bits(2048); }

  static Change a_change() {
    Change change;
    change.actor = "iam-ServiceId-1";
    change.event.action = "test";
    return change;
  }
  Result<ImportTokenPtr> create(const ImportTokenRequest& request = {},
                                const InstanceId& where = unit::test_instance(1)) {
    Change change = a_change();
    auto token = tokens.create(where, request, change);
    EXPECT_EQ(change.recorded, token.has_value());
    return token;
  }
  // The reason of a refusal, or how many retrievals are left.
  std::string retrieve(const InstanceId& where = unit::test_instance(1)) {
    Change change = a_change();
    const auto token = tokens.retrieve(where, change);
    EXPECT_EQ(change.recorded, token.has_value());
    return token ? std::to_string((*token)->remaining_retrievals)
                 : std::string(name_of(token.error().reason));
  }
  std::string import(const unit::EncryptedMaterial& material) {
    const auto sealed = tokens.import(unit::test_binding(instance), material);
    return sealed ? "ok" : std::string(name_of(sealed.error().reason));
  }
  static std::string detail(const audit::Event& event, std::string_view name) {
    for (const auto& [key, value] : event.details) {
      if (key == name) return value;
    }
    return "absent";
  }

  const InstanceId instance = unit::test_instance(1);
  ManualClock clock{Timestamp::from_seconds(1'767'323'045)};
  unit::SoftUnit unit = deployment().make_unit();
  MemoryImportTokenStore store;
  TestGate gate;
  ImportTokens tokens{{store, unit, unit, gate, clock}};
};

TEST_F(ImportTokensTest, ATokenHasTheAskedLifeAndRetrievals) {
  const ImportTokenPtr token = create({1200, 3}).value();
  EXPECT_EQ(token->created, clock.now());
  EXPECT_EQ(token->expires, clock.now().plus_seconds(1200));
  EXPECT_EQ(token->created_by, "iam-ServiceId-1");
  EXPECT_EQ(token->max_retrievals, 3u);
  EXPECT_EQ(token->remaining_retrievals, 3u);
  const auto events = store.take_events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(detail(events[0], "responseData.maxAllowedRetrievals"), "3");
  EXPECT_EQ(detail(events[0], "responseData.remainingRetrievals"), "3");
  EXPECT_EQ(detail(events[0], "responseData.expirationDate"), "2026-01-02T03:24:05Z");
  for (const char* left : {"2", "1", "0"}) EXPECT_EQ(retrieve(), left);
  EXPECT_EQ(retrieve(), "ImportTokenExpired");
  EXPECT_EQ(store.take_events().size(), 3u);

  const ImportTokenPtr plain = create().value();
  EXPECT_EQ(plain->expires, clock.now().plus_seconds(600));
  EXPECT_EQ(plain->max_retrievals, 1u);
}

TEST_F(ImportTokensTest, LimitsAreInclusive) {
  const struct {
    std::int64_t expiration;
    std::int64_t retrievals;
    const char* refused_field;  // empty: taken
  } rows[] = {
      {300, 1, ""},
      {86400, 500, ""},
      {299, 1, "expiration"},
      {86401, 1, "expiration"},
      {0, 1, "expiration"},
      {-600, 1, "expiration"},
      {INT64_MAX, 1, "expiration"},
      {INT64_MIN, 1, "expiration"},
      {600, 0, "maxAllowedRetrievals"},
      {600, 501, "maxAllowedRetrievals"},
      {600, -1, "maxAllowedRetrievals"},
      {600, INT64_MAX, "maxAllowedRetrievals"},
  };
  for (const auto& row : rows) {
    const auto token = create({row.expiration, row.retrievals});
    EXPECT_EQ(token ? "" : token.error().target, row.refused_field);
    if (!token) {
      EXPECT_EQ(token.error().reason, Reason::InvalidField);
    }
  }
}

TEST_F(ImportTokensTest, WithoutATokenThereIsNothing) {
  EXPECT_EQ(retrieve(), "ImportTokenNotFound");
  EXPECT_EQ(import({}), "ImportTokenNotFound");
  ASSERT_TRUE(create());
  EXPECT_EQ(retrieve(unit::test_instance(2)), "ImportTokenNotFound");  // another instance's
}

TEST_F(ImportTokensTest, UsedUpRetrievalsDoNotEndImportsButExpiryDoes) {
  const ImportTokenPtr token = create({300, 1}).value();
  const auto material = encrypt(*token, Bytes(32, 1));
  EXPECT_EQ(retrieve(), "0");
  EXPECT_EQ(import(material), "ok");
  clock.advance_seconds(299);
  EXPECT_EQ(import(material), "ok");  // one token serves several imports
  EXPECT_EQ(retrieve(), "ImportTokenExpired");
  clock.advance_seconds(1);
  EXPECT_EQ(import(material), "ImportTokenExpired");
  ASSERT_TRUE(create({300, 5}));
  clock.advance_seconds(300);
  EXPECT_EQ(retrieve(), "ImportTokenExpired");
}

TEST_F(ImportTokensTest, ANewTokenReplacesTheKeyPair) {
  const ImportTokenPtr old = create({600, 9}).value();
  const auto for_old = encrypt(*old, Bytes(32, 1));
  const ImportTokenPtr fresh = create({600, 1}).value();
  EXPECT_NE(fresh->id, old->id);
  EXPECT_NE(fresh->nonce, old->nonce);
  EXPECT_NE(fresh->public_key, old->public_key);
  EXPECT_EQ(import(for_old), "IncorrectNonceIv");
  EXPECT_EQ(import(encrypt(*fresh, Bytes(32, 1))), "ok");
  // The right key pair with the old token's nonce.
  ImportToken mixed = *fresh;
  mixed.nonce = old->nonce;
  EXPECT_EQ(import(encrypt(mixed, Bytes(32, 1))), "IncorrectNonce");
  EXPECT_EQ(retrieve(), "0");  // the old token's retrievals went with it
}

TEST_F(ImportTokensTest, AFailedChangeChangesNothing) {
  const ImportTokenPtr token = create({600, 2}).value();
  store.fail_with(Error{Reason::StoreUnavailable, "the disk is full", ""});
  EXPECT_EQ(retrieve(), "StoreUnavailable");
  EXPECT_FALSE(create());
  store.fail_with(std::nullopt);
  EXPECT_EQ(retrieve(), "1");
  EXPECT_EQ(import(encrypt(*token, Bytes(32, 1))), "ok");
  // A refusal of the unit leaves no trace either.
  const auto refused = create({}, unit::test_instance(9));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::InstanceNotInitialized);
  EXPECT_EQ(retrieve(unit::test_instance(9)), "ImportTokenNotFound");
}

TEST_F(ImportTokensTest, ARestartFindsTokensAsTheyWere) {
  const ImportTokenPtr token = create({600, 3}).value();
  EXPECT_EQ(retrieve(), "2");
  ImportTokens again({store, unit, unit, gate, clock});
  ASSERT_TRUE(again.load());
  Change change = a_change();
  const ImportTokenPtr read = again.retrieve(instance, change).value();
  ImportToken expected = *token;
  expected.remaining_retrievals = 1;
  EXPECT_EQ(*read, expected);
  EXPECT_TRUE(again.import(unit::test_binding(instance), encrypt(*token, Bytes(32, 1))));
}

// Many threads, one retrieval each: exactly as many succeed as the token allows.
TEST_F(ImportTokensTest, RetrievalsAreNeverGivenTwice) {
  constexpr int kAllowed = 40;
  ASSERT_TRUE(create({600, kAllowed}));
  std::atomic<int> given{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        Change change = a_change();
        if (tokens.retrieve(instance, change)) ++given;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(given, kAllowed);
  EXPECT_EQ(retrieve(), "ImportTokenExpired");
}

// Both succeed; one of them is the token, whole.
TEST_F(ImportTokensTest, OfTwoCreationsAtOnceOneStays) {
  Result<ImportTokenPtr> first = Error{Reason::Internal, "", ""};
  std::thread other([&] {
    Change change = a_change();
    first = tokens.create(instance, {600, 4}, change);
  });
  Change change = a_change();
  const auto second = tokens.create(instance, {600, 7}, change);
  other.join();
  ASSERT_TRUE(first && second);
  Change read_change = a_change();
  const ImportTokenPtr read = tokens.retrieve(instance, read_change).value();
  const ImportToken& origin = read->id == (*first)->id ? **first : **second;
  EXPECT_EQ(read->id, origin.id);
  EXPECT_EQ(read->nonce, origin.nonce);
  EXPECT_EQ(read->public_key, origin.public_key);
  EXPECT_EQ(read->max_retrievals, origin.max_retrievals);
  EXPECT_EQ(import(encrypt(*read, Bytes(24, 1))), "ok");
}

TEST(ImportTokenCodecTest, DecodeOfEncodeIsTheSameAndDamageIsRefused) {
  ImportToken token;
  token.instance = unit::test_instance(4);
  token.id = crypto::random_uuid();
  token.created = Timestamp{1'767'323'045'123'456};
  token.created_by = "IBMid-1";
  token.expires = token.created.plus_seconds(600);
  token.max_retrievals = 9;
  token.remaining_retrievals = 8;
  token.public_key = Bytes(550, 1);
  token.nonce.fill(2);
  token.private_key.bytes = Bytes(2500, 3);
  const Bytes row = encode(token);
  EXPECT_EQ(decode_import_token(row).value(), token);
  for (std::size_t size = 0; size < row.size(); ++size) {
    EXPECT_FALSE(decode_import_token(ByteView(row).first(size)));
  }
  Bytes longer = row;
  longer.push_back(0);
  EXPECT_FALSE(decode_import_token(longer));
  Bytes other_format = row;
  other_format[0] = 2;
  EXPECT_FALSE(decode_import_token(other_format));
  token.remaining_retrievals = 10;  // more than it ever had
  EXPECT_FALSE(decode_import_token(encode(token)));
}

}  // namespace
}  // namespace keyhaven::keys
