#include "client/decode.h"

#include <gtest/gtest.h>

#include "client/encode.h"

namespace keyhaven::client {
namespace {

std::string envelope(const std::string& resource) {
  return R"({"metadata":{"collectionType":"t","collectionTotal":1},"resources":[)" + resource +
         "]}";
}

TEST(DecodeTest, ReadsAKeyAndIgnoresWhatItDoesNotKnow) {
  Decoder decoder;
  const auto keys = decoder.keys(envelope(
      R"({"id":"K1","name":"n","aliases":["a","b"],"state":2.0,"extractable":false,"imported":true,"keyRingID":"r",)"
      R"("creationDate":"2026-01-02T03:04:05Z","algorithmMetadata":{"bitLength":256},"keyVersion":{"id":"V"},)"
      R"("dualAuthDelete":{"enabled":true},"rotation":{"enabled":true,"interval_month":3},"future":{"x":[1]}})"));
  ASSERT_TRUE(keys) << keys.error().message;
  const Key& key = keys.value().front();
  EXPECT_EQ(key.id, "K1");
  EXPECT_EQ(key.aliases, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(key.state, kSuspended);
  EXPECT_TRUE(key.is_root());
  EXPECT_TRUE(key.imported);
  EXPECT_EQ(key.key_ring, "r");
  EXPECT_EQ(key.algorithm_bits, "256");
  ASSERT_TRUE(key.version);
  EXPECT_EQ(key.version->id, "V");
  EXPECT_TRUE(key.dual_auth_delete);
  EXPECT_EQ(key.rotation_interval_month, 3);
  EXPECT_EQ(format_rfc3339(key.created), "2026-01-02T03:04:05Z");
}

TEST(DecodeTest, AbsentAndNullFieldsHaveDefaults) {
  Decoder decoder;
  const auto keys =
      decoder.keys(envelope(R"({"id":"K","aliases":null,"keyRingID":null,"expirationDate":null})"));
  ASSERT_TRUE(keys);
  const Key& key = keys.value().front();
  EXPECT_EQ(key.key_ring, "default");
  EXPECT_TRUE(key.aliases.empty());
  EXPECT_FALSE(key.expires.is_set());
  EXPECT_FALSE(key.version);
}

TEST(DecodeTest, RefusesWhatItCannotRelyOn) {
  Decoder decoder;
  const std::pair<const char*, const char*> rows[] = {
      {R"({"name":"no id"})", "id"},
      {R"({"id":7})", "id"},
      {R"({"id":"K","state":"1"})", "state"},
      {R"({"id":"K","state":1.5})", "state"},
      {R"({"id":"K","extractable":1})", "extractable"},
      {R"({"id":"K","aliases":[1]})", "aliases"},
      {R"({"id":"K","creationDate":"yesterday"})", "creationDate"},
  };
  for (const auto& [resource, field] : rows) {
    const auto keys = decoder.keys(envelope(resource));
    ASSERT_FALSE(keys) << resource;
    EXPECT_EQ(keys.error().reason, Reason::BadBody);
    EXPECT_EQ(keys.error().target, field) << resource;
  }
  for (const char* text :
       {"", "null", "[]", "{", "{}", R"({"resources":7})", R"({"resources":[1]})", "\xff"}) {
    EXPECT_FALSE(decoder.keys(text)) << text;
  }
}

TEST(DecodeTest, ReadsBothErrorForms) {
  Decoder decoder;
  const ErrorBody kms = decoder.error(
      R"({"metadata":{},"resources":[{"errorMsg":"Conflict: x [KEY_ALIAS_NOT_UNIQUE_ERR]","reasons":[{"code":)"
      R"("KEY_ALIAS_NOT_UNIQUE_ERR","message":"taken\u0007","status":409,"target":{"type":"field","name":"aliases"}}]}]})");
  EXPECT_EQ(kms.code, "KEY_ALIAS_NOT_UNIQUE_ERR");
  EXPECT_EQ(kms.message, "taken ") << "control characters do not reach a terminal";
  EXPECT_EQ(kms.target, "aliases");
  const ErrorBody iam =
      decoder.error(R"({"errorCode":"BXNIM0415E","errorMessage":"not found","context":{}})");
  EXPECT_EQ(iam.code, "BXNIM0415E");
  EXPECT_EQ(iam.message, "not found");
  EXPECT_TRUE(decoder.error("<html>").message.empty());
}

TEST(DecodeTest, EveryErrorCodeOfTheCatalogueHasAReason) {
  EXPECT_EQ(reason_of(409, "KEY_ALIAS_NOT_UNIQUE_ERR"), Reason::AliasNotUnique);
  EXPECT_EQ(reason_of(409, "INSTANCE_NOT_INITIALIZED"), Reason::InstanceNotInitialized);
  EXPECT_EQ(reason_of(400, "BXNIM0415E"), Reason::UnknownApiKey);
  EXPECT_EQ(reason_of(422, "SOMETHING_NEW"), Reason::CiphertextInvalid)
      << "unknown codes fall back to the status";
  EXPECT_EQ(reason_of(404, ""), Reason::NotFound);
  EXPECT_EQ(reason_of(503, ""), Reason::UnitUnavailable);
  EXPECT_EQ(reason_of(302, ""), Reason::BadBody);
}

TEST(DecodeTest, ReadsPoliciesOfKeysAndInstances) {
  Decoder decoder;
  const auto key = decoder.policies(envelope(
      R"({"rotation":{"enabled":true,"interval_month":3},"dualAuthDelete":{"enabled":false}})"));
  ASSERT_TRUE(key);
  ASSERT_EQ(key.value().size(), 2U);
  EXPECT_EQ(key.value()[0].interval_month, 3);
  EXPECT_FALSE(key.value()[1].enabled);
  const auto instance = decoder.policies(envelope(
      R"({"policy_type":"allowedNetwork","policy_data":{"enabled":true,"attributes":{"allowed_network":"private-only"}}})"));
  ASSERT_TRUE(instance);
  EXPECT_EQ(instance.value().front().type, "allowedNetwork");
  EXPECT_EQ(instance.value().front().attributes_json, R"({"allowed_network":"private-only"})");
}

TEST(DecodeTest, ReadsUnitsOfAllThreeLists) {
  Decoder decoder;
  const auto units = decoder.units(
      R"({"hsms":[{"hsm_id":"a","location":"[r].[AZ1-CS1].[01].[02]","serial_number":"KH000001"}],)"
      R"("source_hsms":[{"hsm_id":"b","location":"l","serial_number":"s"}],"metadata":{}})");
  ASSERT_TRUE(units);
  ASSERT_EQ(units.value().size(), 2U);
  EXPECT_EQ(units.value()[1].type, UnitType::Recovery);
  EXPECT_FALSE(decoder.units("{}"));
  EXPECT_FALSE(decoder.units(R"({"hsms":[{"hsm_id":"a","location":"l"}]})"));
}

TEST(DecodeTest, AnAddedUnitWaitsUntilItHasTheKey) {
  Decoder decoder;
  const auto units = decoder.units(
      R"({"hsms":[{"hsm_id":"a","location":"l","serial_number":"s","membership":"joined"},)"
      R"({"hsm_id":"b","location":"l","serial_number":"s","membership":"waiting"},)"
      R"({"hsm_id":"c","location":"l","serial_number":"s"}],)"
      R"("source_hsms":[{"hsm_id":"d","location":"l","serial_number":"s"}]})");
  ASSERT_TRUE(units);
  ASSERT_EQ(units->size(), 4U);
  EXPECT_TRUE(units->at(0).joined);
  EXPECT_FALSE(units->at(1).joined);
  EXPECT_TRUE(units->at(2).joined) << "other services do not say";
  EXPECT_FALSE(units->at(3).joined) << "the keys never depend on a recovery unit";
}

TEST(DecodeTest, ReadsARotationAndRefusesAnUnknownPhase) {
  Decoder decoder;
  const auto rotation = decoder.rotation(
      R"({"phase":"resealing","message":"on its way","from":"0a","to":"0b",)"
      R"("started_at":"2026-01-02T03:04:05Z","started_by":"iam-1","keys_total":9,"keys_left":4,)"
      R"("keys_per_second":7,"waiting_for":"a unit","unopened_total":1,)"
      R"("stored":[{"master_key":"0a","keys":4,"key_versions":5,"import_token":true}],)"
      R"("unopened":[{"key_id":"k","version_id":"v","cause":"damaged"}],"units":[]})");
  ASSERT_TRUE(rotation) << rotation.error().message;
  EXPECT_EQ(rotation->phase, RotationPhase::Resealing);
  EXPECT_EQ(rotation->to, "0b");
  EXPECT_TRUE(rotation->started.is_set());
  EXPECT_EQ(rotation->keys_left, 4U);
  EXPECT_EQ(rotation->waiting_for, "a unit");
  ASSERT_EQ(rotation->stored.size(), 1U);
  EXPECT_TRUE(rotation->stored.front().import_token);
  ASSERT_EQ(rotation->unopened.size(), 1U);
  EXPECT_EQ(rotation->unopened.front().cause, "damaged");
  EXPECT_EQ(decoder.rotation(R"({"phase":"none"})")->keys_total, 0U);
  for (const char* text : {"{}", R"({"phase":"dancing"})", R"({"phase":"none","stored":[1]})"})
    EXPECT_FALSE(decoder.rotation(text)) << text;
}

TEST(DecodeTest, ReadsAPolicyAsItIsWritten) {
  AccessPolicy policy;
  policy.iam_id = "iam-ServiceId-1";
  policy.roles = {"Manager", "KMS Key Purge"};
  policy.instance = "I";
  policy.key_ring = "R";
  const SecretBytes body = encode_access_policy(policy);
  std::string text(as_text(body.expose()));
  text.insert(1, R"("id":"P",)");
  Decoder decoder;
  const auto read = decoder.policy(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().id, "P");
  EXPECT_EQ(read.value().iam_id, policy.iam_id);
  EXPECT_EQ(read.value().instance, "I");
  EXPECT_EQ(read.value().key_ring, "R");
  EXPECT_EQ(read.value().roles, (std::vector<std::string>{"Manager", "KeyPurge"}));
}

TEST(DecodeTest, ReadsPermissionsOfEveryPlace) {
  Decoder decoder;
  const auto read = decoder.permissions(
      R"({"account":["instances.create"],"instance":{"id":"I","actions":["secrets.list"],"parts":[)"
      R"({"places":[{"key_ring":"R"},{"key":"K"}],"actions":["secrets.create","secrets.list"]}]},)"
      R"("requirements":[{"roles":["Writer"],"actions":["secrets.create"]}]})");
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 4U);
  using enum PermittedActions::Where;
  EXPECT_EQ(read->at(0).where, Account);
  EXPECT_EQ(read->at(0).actions, (std::vector<std::string>{"instances.create"}));
  EXPECT_EQ(read->at(1).where, Instance);
  EXPECT_EQ(read->at(2).where, Part);
  EXPECT_EQ(read->at(2).key_ring, "R");
  EXPECT_EQ(read->at(3).key, "K");
  EXPECT_EQ(read->at(3).actions, (std::vector<std::string>{"secrets.create", "secrets.list"}));
  EXPECT_EQ(decoder.permissions(R"({"account":[]})")->size(), 1U);
  for (const char* text :
       {"[]", R"({"account":[1]})", R"({"account":[],"instance":{"parts":[1]}})"})
    EXPECT_FALSE(decoder.permissions(text)) << text;
}

TEST(EncodeTest, CreateHoldsWhatTheServiceExpects) {
  CreateKey request;
  request.name = "payroll";
  request.aliases = {"pay"};
  request.payload = SecretBytes::copy_of(std::string_view("0123456789abcdef"));
  request.expires = Timestamp::from_seconds(2082758400);
  const SecretBytes body = encode_create_key(request);
  EXPECT_EQ(
      as_text(body.expose()),
      R"({"metadata":{"collectionType":"application/vnd.ibm.kms.key+json","collectionTotal":1},"resources":[)"
      R"({"type":"application/vnd.ibm.kms.key+json","name":"payroll","extractable":false,"aliases":["pay"],)"
      R"("expirationDate":"2036-01-01T00:00:00Z","payload":"MDEyMzQ1Njc4OWFiY2RlZg=="}]})");
}

TEST(EncodeTest, QueriesAndPathsArePercentEncoded) {
  KeyQuery query;
  query.states = {1, 2};
  query.search = "a b&c";
  EXPECT_EQ(key_query(query, true), "?limit=200&offset=0&state=1,2&search=a%20b%26c");
  EXPECT_EQ(key_query({}, false), "");
  EXPECT_EQ(percent_encode("a/b?c%\xc3\xbc"), "a%2Fb%3Fc%25%C3%BC");
}

}  // namespace
}  // namespace keyhaven::client
