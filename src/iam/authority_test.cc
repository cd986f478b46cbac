#include "iam/authority.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "crypto/hash.h"
#include "iam/memory_iam_store.h"
#include "iam/token_cache.h"

namespace keyhaven::iam {
namespace {

class AuthorityTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    key_ = new crypto::RsaPrivateKey(crypto::RsaPrivateKey::generate_2048());
  }
  static void TearDownTestSuite() { delete key_; }
  static std::unique_ptr<Authority> load(IamStore& store, const Clock& clock) {
    auto issuer = TokenIssuer::create(*key_, "https://localhost/identity",
                                      "0123456789abcdef0123456789abcdef");
    return Authority::load(store, std::move(issuer).value(), clock).value();
  }
  static std::string text(const SecretBytes& secret) {
    return std::string(as_text(secret.expose()));
  }

  // The first administrator's key.
  std::string bootstrap() {
    std::string secret;
    const auto deliver = [&](const Identity&, const CreatedApiKey& key) -> Result<void> {
      secret = text(key.secret);
      return {};
    };
    EXPECT_TRUE(authority_->bootstrap(deliver).value());
    return secret;
  }
  struct Login {
    std::string iam_id, key_id, secret, token;
  };
  Login service_id(const std::string& name) {
    Login out;
    out.iam_id =
        authority_->create_identity({IdentityKind::ServiceId, name, ""}, {}).value().iam_id;
    const CreatedApiKey key = authority_->create_api_key(out.iam_id, "key", {}).value();
    out.key_id = key.key.id;
    out.secret = text(key.secret);
    out.token = authority_->exchange(out.secret).value().token.access_token;
    return out;
  }
  Grant grant(const std::string& iam_id, Role role) {
    Grant out;
    out.iam_id = iam_id;
    out.roles = bit(role);
    return out;
  }

  static inline crypto::RsaPrivateKey* key_ = nullptr;
  ManualClock clock_{Timestamp::from_seconds(1'800'000'000)};
  MemoryIamStore store_;
  std::unique_ptr<Authority> authority_ = load(store_, clock_);
};

class OidcLinkTest : public AuthorityTest {
 protected:
  static constexpr const char* kIssuer = "https://id.example";
  void SetUp() override {
    bootstrap();
    authority_->set_oidc_issuer(kIssuer);
  }
  IdentitySpec user(const std::string& subject) const {
    return {IdentityKind::User, "Ann", "", "", subject};
  }
  std::string log_in(const std::string& subject) const {
    return authority_->exchange_oidc(subject).value().token.access_token;
  }
  bool counts(const std::string& token) const { return authority_->caller_for(token).has_value(); }
  Reason refusal(const std::string& iam_id, const std::string& subject) {
    const auto done = authority_->link_identity(iam_id, subject, {});
    return done ? Reason::Internal : done.error().reason;
  }
};

TEST_F(OidcLinkTest, WhoIsLinkedLogsInWithoutAnApiKey) {
  const Identity ann = authority_->create_identity(user("ann"), {}).value();
  const auto exchange = authority_->exchange_oidc("ann").value();
  EXPECT_EQ(exchange.iam_id, ann.iam_id);
  EXPECT_EQ(exchange.name, "Ann");
  const CallerPtr caller = authority_->caller_for(exchange.token.access_token).value();
  EXPECT_EQ(caller->iam_id, ann.iam_id);
  EXPECT_EQ(caller->credential, "oidc");
  for (const char* other : {"bob", "", "Ann", "ann "})
    EXPECT_EQ(authority_->exchange_oidc(other).error().reason, Reason::IdentityNotFound) << other;
}

TEST_F(OidcLinkTest, TheEndOfALinkEndsItsTokens) {
  const std::string id = authority_->create_identity(user("ann"), {}).value().iam_id;
  const std::string first = log_in("ann");
  ASSERT_TRUE(authority_->link_identity(id, "ann", {}));
  EXPECT_TRUE(counts(first)) << "the same subject again is no new link";
  ASSERT_TRUE(authority_->link_identity(id, "ann2", {}));
  EXPECT_FALSE(counts(first));
  const std::string second = log_in("ann2");
  ASSERT_TRUE(authority_->link_identity(id, "", {}));
  EXPECT_FALSE(counts(second));
  EXPECT_FALSE(authority_->exchange_oidc("ann2"));
  ASSERT_TRUE(authority_->link_identity(id, "ann", {}));
  EXPECT_FALSE(counts(first)) << "linked again is another link";
  const std::string third = log_in("ann");
  ASSERT_TRUE(authority_->delete_identity(id, {}));
  EXPECT_FALSE(counts(third));
}

TEST_F(OidcLinkTest, AnotherProviderEndsTheTokensAndHasSubjectsOfItsOwn) {
  const std::string ann = authority_->create_identity(user("ann"), {}).value().iam_id;
  const std::string token = log_in("ann");
  authority_->set_oidc_issuer("https://other.example");
  EXPECT_FALSE(counts(token));
  EXPECT_FALSE(authority_->exchange_oidc("ann"));
  const std::string other = authority_->create_identity(user("ann"), {}).value().iam_id;
  EXPECT_EQ(authority_->exchange_oidc("ann").value().iam_id, other);
  authority_->set_oidc_issuer("");
  EXPECT_FALSE(authority_->exchange_oidc("ann"));
  EXPECT_EQ(refusal(ann, "x"), Reason::FeatureRestricted);
  EXPECT_TRUE(authority_->link_identity(ann, "", {})) << "a link can be taken away all the same";
  authority_->set_oidc_issuer(kIssuer);
  EXPECT_FALSE(load(store_, clock_)->exchange_oidc("ann")) << "no provider was set";
}

TEST_F(OidcLinkTest, OneSubjectIsOneUser) {
  const std::string ann = authority_->create_identity(user("ann"), {}).value().iam_id;
  EXPECT_EQ(authority_->create_identity(user("ann"), {}).error().reason, Reason::AlreadyExists);
  const std::string bob = authority_->create_identity(user(""), {}).value().iam_id;
  EXPECT_EQ(refusal(bob, "ann"), Reason::AlreadyExists);
  ASSERT_TRUE(authority_->link_identity(ann, "", {}));
  EXPECT_TRUE(authority_->link_identity(bob, "ann", {}));
  EXPECT_EQ(refusal("IBMid-none", "x"), Reason::IdentityNotFound);
  const Login service = service_id("job");
  EXPECT_EQ(refusal(service.iam_id, "x"), Reason::InvalidField);
  IdentitySpec linked_service{IdentityKind::ServiceId, "job", "", "", "x"};
  EXPECT_EQ(authority_->create_identity(linked_service, {}).error().reason, Reason::InvalidField);
  const std::string longest(255, 'a');
  EXPECT_TRUE(authority_->link_identity(bob, longest, {}));
  for (const std::string& wrong :
       {longest + "a", std::string(" a"), std::string("a "), std::string("a\nb"),
        std::string("\xc3\xa4"), std::string("a\0b", 3), std::string("\x7f")}) {
    EXPECT_EQ(refusal(bob, wrong), Reason::InvalidField) << wrong;
  }
}

// A provider can be gone for good: then only API keys let an administrator in.
TEST_F(OidcLinkTest, AnAdministratorWithoutApiKeyDoesNotCountAsTheLastOne) {
  const std::string ann = authority_->create_identity(user("ann"), {}).value().iam_id;
  ASSERT_TRUE(authority_->create_grant(grant(ann, Role::Administrator), {}));
  for (const Identity& identity : authority_->identities()) {
    if (identity.iam_id == ann) continue;
    EXPECT_EQ(authority_->delete_identity(identity.iam_id, {}).error().reason, Reason::Conflict);
    ASSERT_TRUE(authority_->create_api_key(ann, "of Ann", {}));
    EXPECT_TRUE(authority_->delete_identity(identity.iam_id, {}));
  }
}

TEST_F(OidcLinkTest, AStoreWithTwoIdentitiesOfOneSubjectIsNotTaken) {
  IamChange change;
  for (const char* id : {"IBMid-1", "IBMid-2"}) {
    Identity identity{id, IdentityKind::User, "n", "", {}, "", OidcLink{id, kIssuer, "ann"}};
    change.put_identities.push_back(identity);
  }
  ASSERT_TRUE(store_.commit_iam(change, {}));
  auto issuer =
      TokenIssuer::create(*key_, "https://localhost/identity", "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(Authority::load(store_, std::move(issuer).value(), clock_).error().reason,
            Reason::Internal);
}

TEST_F(AuthorityTest, TheFirstAdministratorIsMadeOnceAndMayEverythingButPurge) {
  const std::string secret = bootstrap();
  EXPECT_EQ(secret.size(), kApiKeySecretSize);
  const auto again = [](const Identity&, const CreatedApiKey&) -> Result<void> {
    ADD_FAILURE() << "a second administrator was offered";
    return {};
  };
  EXPECT_FALSE(authority_->bootstrap(again).value());
  EXPECT_FALSE(load(store_, clock_)->bootstrap(again).value());

  const CallerPtr caller =
      authority_->caller_for(authority_->exchange(secret).value().token.access_token).value();
  const InstanceId instance = InstanceId::parse("11111111-1111-4111-8111-111111111111").value();
  for (std::size_t index = 0; index < kActionCount; ++index) {
    const Action action = static_cast<Action>(index);
    EXPECT_EQ(caller->may(action, {&instance}), action != Action::SecretsPurge)
        << info(action).event;
  }
}

TEST_F(AuthorityTest, BootstrapStoresNothingWhenTheKeyCannotBeDelivered) {
  const auto refuse = [](const Identity&, const CreatedApiKey&) -> Result<void> {
    return Error{Reason::Io, "disk", {}};
  };
  EXPECT_EQ(authority_->bootstrap(refuse).error().reason, Reason::Io);
  EXPECT_TRUE(authority_->identities().empty());
  bootstrap();
}

TEST_F(AuthorityTest, NothingOfAKeysTextIsStored) {
  const std::string secret = bootstrap();
  const auto everything = store_.load_iam().value();
  ASSERT_EQ(everything.api_keys.size(), 1U);
  EXPECT_EQ(to_hex(everything.api_keys[0].secret_hash).find(secret), std::string::npos);
  for (const audit::Event& event : store_.events()) {
    std::string json = event.target_id + event.reason + event.request_uri;
    for (const auto& [name, value] : event.details) json += value;
    EXPECT_EQ(json.find(secret), std::string::npos);
  }
}

TEST_F(AuthorityTest, KeysAreIndependentAndUnknownOnesAreRefusedAlike) {
  const std::string secret = bootstrap();
  const Login other = service_id("other");
  EXPECT_NE(secret, other.secret);
  for (const std::string& wrong : {std::string(), std::string("x"), secret + "x", secret.substr(1),
                                   std::string(5000, 'a'), std::string(44, 'A')}) {
    const auto result = authority_->exchange(wrong);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason, Reason::UnknownApiKey);
    EXPECT_EQ(result.error().message, authority_->exchange("y").error().message);
  }
}

TEST_F(AuthorityTest, AServiceIsMarkedByTheCrnItOwns) {
  bootstrap();
  const std::string good = "crn:v1:bluemix:public:databases:eu-de:a/acc:instance";
  const auto made = authority_->create_identity({IdentityKind::ServiceId, "db", "", good}, {});
  ASSERT_TRUE(made);
  const CreatedApiKey key = authority_->create_api_key(made->iam_id, "key", {}).value();
  const auto token = authority_->exchange(text(key.secret)).value().token.access_token;
  EXPECT_EQ(authority_->caller_for(token).value()->service_crn, good);
  EXPECT_EQ(authority_->caller_for(service_id("app").token).value()->service_crn, "");
  for (const std::string& wrong :
       {good + ":", good + "::", good + ":bucket:b", std::string("crn:v1:bluemix:public:x::a/acc"),
        std::string("crn:v1:bluemix:public::eu-de:a/acc:i"),
        std::string("crn:v1:bluemix:public:x:eu-de:a/acc:"),
        std::string("crn:v1:bluemix:public:*:eu-de:a/acc:i"),
        std::string("crn:v2:bluemix:public:x:eu-de:a/acc:i"),
        std::string("crn:v1:bluemix:public:x y:eu-de:a/acc:i"),
        good + std::string(kMaxServiceCrnBytes, 'i')}) {
    const auto refused =
        authority_->create_identity({IdentityKind::ServiceId, "db", "", wrong}, {});
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().reason, Reason::InvalidField) << wrong;
    EXPECT_EQ(refused.error().target, "service_crn");
  }
  EXPECT_FALSE(authority_->create_identity({IdentityKind::User, "ann", "", good}, {}));
}

TEST_F(AuthorityTest, ATokenDiesWithItsKey) {
  bootstrap();
  const Login login = service_id("app");
  EXPECT_TRUE(authority_->caller_for(login.token));
  const std::uint64_t before = authority_->revocation_epoch();
  EXPECT_TRUE(authority_->delete_api_key(login.key_id, {}));
  EXPECT_GT(authority_->revocation_epoch(), before);
  EXPECT_EQ(authority_->caller_for(login.token).error().reason, Reason::Unauthenticated);
  EXPECT_EQ(authority_->exchange(login.secret).error().reason, Reason::UnknownApiKey);
}

TEST_F(AuthorityTest, ADeletedIdentityTakesKeysAndGrantsAlong) {
  bootstrap();
  const Login login = service_id("app");
  EXPECT_TRUE(authority_->create_grant(grant(login.iam_id, Role::Manager), {}));
  EXPECT_TRUE(authority_->delete_identity(login.iam_id, {}));
  EXPECT_EQ(authority_->caller_for(login.token).error().reason, Reason::Unauthenticated);
  EXPECT_TRUE(authority_->grants(login.iam_id).empty());
  EXPECT_TRUE(authority_->api_keys(login.iam_id).empty());
  EXPECT_EQ(store_.load_iam().value().grants.size(), 1U);  // the administrator's
  EXPECT_EQ(authority_->delete_identity(login.iam_id, {}).error().reason, Reason::IdentityNotFound);
}

TEST_F(AuthorityTest, EverythingIsThereAfterARestart) {
  bootstrap();
  const Login login = service_id("app");
  EXPECT_TRUE(authority_->create_grant(grant(login.iam_id, Role::Reader), {}));
  const auto again = load(store_, clock_);
  const CallerPtr caller = again->caller_for(login.token).value();
  EXPECT_EQ(caller->roles_on({}), bit(Role::Reader));
  EXPECT_TRUE(again->exchange(login.secret));
}

TEST_F(AuthorityTest, AFailedCommitChangesNothing) {
  bootstrap();
  const Login login = service_id("app");
  const std::uint64_t epoch = authority_->revocation_epoch();
  store_.fail_with(Error{Reason::StoreUnavailable, "disk full", {}});
  EXPECT_EQ(authority_->delete_api_key(login.key_id, {}).error().reason, Reason::StoreUnavailable);
  EXPECT_EQ(authority_->create_grant(grant(login.iam_id, Role::Manager), {}).error().reason,
            Reason::StoreUnavailable);
  EXPECT_EQ(authority_->revocation_epoch(), epoch);
  EXPECT_TRUE(authority_->caller_for(login.token).value()->grants.empty());
}

TEST_F(AuthorityTest, TheLastAdministratorCannotLockEverybodyOut) {
  const std::string secret = bootstrap();
  const std::string iam_id = authority_->identities()[0].iam_id;
  EXPECT_EQ(authority_->delete_identity(iam_id, {}).error().reason, Reason::Conflict);
  EXPECT_EQ(authority_->delete_grant(authority_->grants(iam_id)[0].id, {}).error().reason,
            Reason::Conflict);
  EXPECT_EQ(authority_->delete_api_key(authority_->api_keys(iam_id)[0].id, {}).error().reason,
            Reason::Conflict);
  EXPECT_TRUE(authority_->exchange(secret));

  const Login second = service_id("second administrator");
  EXPECT_TRUE(authority_->create_grant(grant(second.iam_id, Role::Administrator), {}));
  EXPECT_TRUE(authority_->delete_identity(iam_id, {}));
}

TEST_F(AuthorityTest, BadSpecificationsAreRefused) {
  bootstrap();
  const Login login = service_id("app");
  for (const std::string& name :
       {std::string(), std::string(241, 'a'), std::string("a\nb"), std::string("a\0b", 3)}) {
    EXPECT_EQ(authority_->create_identity({IdentityKind::User, name, ""}, {}).error().target,
              "name");
    EXPECT_EQ(authority_->create_api_key(login.iam_id, name, {}).error().target, "name");
  }
  EXPECT_TRUE(authority_->create_identity(
      {IdentityKind::User, std::string(240, 'a'), std::string(1000, 'b')}, {}));
  EXPECT_EQ(authority_->create_identity({IdentityKind::User, "a", std::string(1001, 'b')}, {})
                .error()
                .target,
            "description");
  EXPECT_EQ(authority_->create_api_key("IBMid-none", "x", {}).error().reason,
            Reason::IdentityNotFound);
  EXPECT_EQ(authority_->create_grant(grant("IBMid-none", Role::Reader), {}).error().reason,
            Reason::IdentityNotFound);
  Grant nothing;
  nothing.iam_id = login.iam_id;
  EXPECT_EQ(authority_->create_grant(nothing, {}).error().target, "roles");
  nothing.roles = RoleSet(1) << kRoleCount;
  EXPECT_EQ(authority_->create_grant(nothing, {}).error().target, "roles");
  Grant key_only = grant(login.iam_id, Role::Reader);
  key_only.key = KeyId::parse("33333333-3333-4333-8333-333333333333").value();
  EXPECT_EQ(authority_->create_grant(key_only, {}).error().target, "serviceInstance");
  EXPECT_EQ(authority_->delete_grant("none", {}).error().reason, Reason::NotFound);
  EXPECT_EQ(authority_->delete_api_key("none", {}).error().reason, Reason::NotFound);
}

TEST_F(AuthorityTest, LimitsHold) {
  bootstrap();
  const Login login = service_id("app");
  for (std::size_t count = 1; count < kMaxApiKeysPerIdentity; ++count) {
    EXPECT_TRUE(authority_->create_api_key(login.iam_id, "x", {}));
  }
  EXPECT_EQ(authority_->create_api_key(login.iam_id, "x", {}).error().reason, Reason::Conflict);
}

TEST_F(AuthorityTest, AChangeIsAcknowledgedAfterTheFence) {
  bootstrap();
  const Login login = service_id("app");
  bool gone_at_fence = false;
  authority_->set_fence([&]() -> Result<void> {
    gone_at_fence = !authority_->caller_for(login.token);
    return {};
  });
  EXPECT_TRUE(authority_->delete_api_key(login.key_id, {}));
  EXPECT_TRUE(gone_at_fence);
}

TEST_F(AuthorityTest, ARevocationWhoseFenceDoesNotComeBackIsDoneAndSaysSo) {
  bootstrap();
  const Login login = service_id("app");
  authority_->set_fence([]() -> Result<void> {
    return Error{Reason::DeadlineExceeded, "a loop hangs", {}};
  });
  // What only gives has its answer: a new key's text is told once.
  EXPECT_TRUE(authority_->create_api_key(login.iam_id, "another", {}));
  const auto revoked = authority_->delete_api_key(login.key_id, {});
  EXPECT_EQ(revoked.error().reason, Reason::DeadlineExceeded);
  EXPECT_NE(revoked.error().message.find("the change is made"), std::string::npos);
  EXPECT_FALSE(authority_->caller_for(login.token));
  EXPECT_EQ(store_.load_iam().value().api_keys.size(), 2U);
}

TEST_F(AuthorityTest, WhoMayNoLongerWhenTheTurnComesChangesNothing) {
  bootstrap();
  const Login thief = service_id("thief");
  audit::Event event;
  const Mandate of_the_thief{event, [&]() -> Result<void> {
                               if (!authority_->caller_for(thief.token))
                                 return Error{Reason::Unauthenticated, "gone", {}};
                               return {};
                             }};
  EXPECT_TRUE(authority_->create_api_key(thief.iam_id, "early", of_the_thief));
  // The call is in the middle of its way when the key goes.
  Mandate waiting = of_the_thief;
  std::thread call;
  std::atomic<bool> is_refused = false;
  authority_->set_fence([&]() -> Result<void> {
    // Under way now, with the turn of the revocation not over.
    call = std::thread([&] {
      const auto made = authority_->create_api_key(thief.iam_id, "late", waiting);
      is_refused = !made && made.error().reason == Reason::Unauthenticated;
    });
    return {};
  });
  EXPECT_TRUE(authority_->delete_api_key(thief.key_id, {}));
  authority_->set_fence({});
  call.join();
  EXPECT_TRUE(is_refused);
  for (const ApiKey& key : authority_->api_keys(thief.iam_id)) EXPECT_NE(key.name, "late");
  const std::size_t before = store_.load_iam().value().identities.size();
  EXPECT_FALSE(authority_->create_identity({IdentityKind::ServiceId, "x", ""}, waiting));
  EXPECT_FALSE(authority_->delete_identity(thief.iam_id, waiting));
  EXPECT_FALSE(authority_->create_grant(grant(thief.iam_id, Role::Manager), waiting));
  EXPECT_EQ(store_.load_iam().value().identities.size(), before);
}

TEST_F(AuthorityTest, TheFirstAdministratorNeedsNoFence) {
  authority_->set_fence([]() -> Result<void> {
    ADD_FAILURE() << "the loops do not run yet";
    return {};
  });
  bootstrap();
}

TEST_F(AuthorityTest, EveryChangeCommitsItsEventWithItsTarget) {
  bootstrap();
  audit::Event event;
  event.action = "hs-crypto.iam-identity.create";
  const std::string iam_id =
      authority_->create_identity({IdentityKind::User, "user", ""}, {event}).value().iam_id;
  EXPECT_TRUE(iam_id.starts_with("IBMid-"));
  EXPECT_EQ(store_.events().back().action, event.action);
  EXPECT_EQ(store_.events().back().target_id, iam_id);
}

TEST_F(AuthorityTest, TheCacheServesUntilExpiryOrRevocation) {
  bootstrap();
  const Login login = service_id("app");
  TokenCache cache(*authority_, clock_);
  const CallerPtr first = cache.authenticate(login.token).value();
  EXPECT_EQ(cache.authenticate(login.token).value(), first);  // the same object: from the cache

  EXPECT_TRUE(authority_->create_grant(grant(login.iam_id, Role::Reader), {}));
  EXPECT_EQ(cache.authenticate(login.token).value()->roles_on({}), bit(Role::Reader));

  EXPECT_TRUE(authority_->delete_api_key(login.key_id, {}));
  EXPECT_EQ(cache.authenticate(login.token).error().reason, Reason::Unauthenticated);
  EXPECT_EQ(cache.size(), 0U);
}

TEST_F(AuthorityTest, TheCacheForgetsExpiredTokens) {
  bootstrap();
  const Login login = service_id("app");
  TokenCache cache(*authority_, clock_);
  EXPECT_TRUE(cache.authenticate(login.token));
  clock_.advance_seconds(3600);
  EXPECT_EQ(cache.authenticate(login.token).error().reason, Reason::Unauthenticated);
}

TEST_F(AuthorityTest, TheCacheIsBoundedAndKeepsWhatIsInUse) {
  const std::string secret = bootstrap();
  TokenCache cache(*authority_, clock_, 8);
  const std::string used = authority_->exchange(secret).value().token.access_token;
  const CallerPtr first = cache.authenticate(used).value();
  for (int count = 0; count < 40; ++count) {
    EXPECT_TRUE(cache.authenticate(authority_->exchange(secret).value().token.access_token));
    EXPECT_LE(cache.size(), 8U);
    if (count % 2 == 0) {
      EXPECT_EQ(cache.authenticate(used).value(), first);
    }
  }
}

TEST_F(AuthorityTest, ATokenThatDiffersInItsLastCharacterIsNotServedFromTheCache) {
  bootstrap();
  const Login login = service_id("app");
  TokenCache cache(*authority_, clock_);
  EXPECT_TRUE(cache.authenticate(login.token));
  std::string other = login.token;
  other.back() = other.back() == 'A' ? 'Q' : 'A';
  EXPECT_FALSE(cache.authenticate(other));
  EXPECT_FALSE(cache.authenticate(std::string(kMaxTokenBytes + 1, 'x')));
}

TEST_F(AuthorityTest, AfterTheAcknowledgementNoCacheServesARevokedToken) {
  bootstrap();
  const Login login = service_id("app");
  std::atomic<bool> revoked = false;
  std::atomic<int> served_after = 0;
  std::vector<std::thread> loops;
  for (int loop = 0; loop < 2; ++loop) {
    loops.emplace_back([&] {
      TokenCache cache(*authority_, clock_);
      for (int call = 0; call < 5000; ++call) {
        const bool was_revoked = revoked.load();
        if (cache.authenticate(login.token) && was_revoked) ++served_after;
      }
    });
  }
  EXPECT_TRUE(authority_->delete_api_key(login.key_id, {}));
  revoked = true;
  for (std::thread& loop : loops) loop.join();
  EXPECT_EQ(served_after, 0);
}

TEST_F(AuthorityTest, AnEndedTokenIsServedByNoCacheAndOthersAre) {
  bootstrap();
  const Login login = service_id("app");
  TokenCache cache(*authority_, clock_);
  clock_.advance_seconds(1);
  const std::string other = authority_->exchange(login.secret).value().token.access_token;
  EXPECT_TRUE(cache.authenticate(login.token));
  EXPECT_EQ(authority_->end_token("no token", {}).value(), false);
  EXPECT_TRUE(cache.authenticate(login.token));
  EXPECT_EQ(authority_->end_token(login.token, {}).value(), true);
  EXPECT_EQ(cache.authenticate(login.token).error().reason, Reason::Unauthenticated);
  EXPECT_EQ(authority_->caller_for(login.token).error().reason, Reason::Unauthenticated);
  EXPECT_TRUE(cache.authenticate(other));
  // Also after other changes.
  EXPECT_TRUE(authority_->create_identity({IdentityKind::ServiceId, "another", ""}, {}));
  EXPECT_FALSE(authority_->caller_for(login.token));
}

TEST_F(AuthorityTest, AnEndedTokenStaysEndedAfterARestartAndIsForgottenWhenItHasExpired) {
  bootstrap();
  const Login login = service_id("app");
  clock_.advance_seconds(1);
  const std::string other = authority_->exchange(login.secret).value().token.access_token;
  ASSERT_TRUE(authority_->end_token(login.token, {}).value());
  authority_ = load(store_, clock_);
  EXPECT_EQ(authority_->caller_for(login.token).error().reason, Reason::Unauthenticated);
  EXPECT_TRUE(authority_->caller_for(other));
  EXPECT_EQ(store_.load_iam().value().ended_tokens.size(), 1U);
  clock_.advance_seconds(kTokenLifetimeSeconds);
  const std::string later = authority_->exchange(login.secret).value().token.access_token;
  ASSERT_TRUE(authority_->end_token(later, {}).value());
  EXPECT_EQ(store_.load_iam().value().ended_tokens.size(), 1U);  // the first is gone
}

TEST_F(AuthorityTest, ATokenThatTheStoreCouldNotEndCountsOn) {
  bootstrap();
  const Login login = service_id("app");
  store_.fail_with(Error{Reason::StoreUnavailable, "", ""});
  EXPECT_EQ(authority_->end_token(login.token, {}).error().reason, Reason::StoreUnavailable);
  EXPECT_TRUE(authority_->caller_for(login.token));
}

TEST_F(AuthorityTest, EndingATokenLeavesTheOthersInTheCaches) {
  bootstrap();
  const Login login = service_id("app");
  TokenCache cache(*authority_, clock_);
  clock_.advance_seconds(1);
  const std::string other = authority_->exchange(login.secret).value().token.access_token;
  const CallerPtr kept = cache.authenticate(other).value();
  EXPECT_TRUE(cache.authenticate(login.token));
  EXPECT_TRUE(authority_->end_token(login.token, {}).value());
  EXPECT_FALSE(cache.authenticate(login.token));
  EXPECT_EQ(cache.authenticate(other).value(), kept);  // the same object: not verified anew
  EXPECT_EQ(cache.size(), 1U);
}

TEST_F(AuthorityTest, ACacheThatIsFarBehindForgetsEverything) {
  bootstrap();
  const Login login = service_id("app");
  TokenCache cache(*authority_, clock_);
  EXPECT_TRUE(cache.authenticate(login.token));
  EXPECT_TRUE(authority_->end_token(login.token, {}).value());
  std::string last;
  for (std::size_t i = 0; authority_->ended_since(0); ++i) {
    const Login one = service_id("app" + std::to_string(i));
    for (std::size_t ended = 0; ended < kMaxEndedTokensPerIdentity; ++ended) {
      clock_.advance_seconds(1);
      last = authority_->exchange(one.secret).value().token.access_token;
      ASSERT_TRUE(authority_->end_token(last, {}).value());
    }
  }
  EXPECT_FALSE(cache.authenticate(login.token));
  EXPECT_FALSE(cache.authenticate(last));
  EXPECT_EQ(authority_->ended_since(authority_->ended_count())->size(), 0U);
  EXPECT_EQ(authority_->ended_since(authority_->ended_count() - 1)->size(), 1U);
}

TEST_F(AuthorityTest, WhoEndsManyTokensMakesOnlyItsOwnForgotten) {
  bootstrap();
  const Login victim = service_id("victim");
  const Login other = service_id("other");
  ASSERT_TRUE(authority_->end_token(victim.token, {}));  // expires before all that follow
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i <= kMaxEndedTokensPerIdentity; ++i) {
    clock_.advance_seconds(1);
    tokens.push_back(authority_->exchange(other.secret).value().token.access_token);
    ASSERT_TRUE(authority_->end_token(tokens.back(), {}).value());
  }
  EXPECT_FALSE(authority_->caller_for(victim.token));
  EXPECT_TRUE(authority_->caller_for(tokens.front()));
  EXPECT_FALSE(authority_->caller_for(tokens[1]));
  EXPECT_FALSE(authority_->caller_for(tokens.back()));
  EXPECT_EQ(store_.load_iam().value().ended_tokens.size(), kMaxEndedTokensPerIdentity + 1);
}

TEST_F(AuthorityTest, MoreThanCanBeRememberedIsRefusedNotForgotten) {
  bootstrap();
  const Login login = service_id("app");
  IamChange many;
  const Timestamp expires = clock_.now().plus_seconds(kTokenLifetimeSeconds);
  for (std::size_t i = 0; i < kMaxEndedTokens; ++i)
    many.end_tokens.push_back({crypto::sha256(as_bytes(std::to_string(i))), expires});
  ASSERT_TRUE(store_.commit_iam(many, {}));
  authority_ = load(store_, clock_);
  const auto refused = authority_->end_token(login.token, {});
  EXPECT_EQ(refused.error().reason, Reason::Conflict);
  EXPECT_TRUE(authority_->caller_for(login.token));
  EXPECT_TRUE(authority_->has_ended(many.end_tokens.front().digest));
  EXPECT_TRUE(authority_->delete_api_key(login.key_id, {}));  // the remedy
  EXPECT_FALSE(authority_->caller_for(login.token));
}

}  // namespace
}  // namespace keyhaven::iam
