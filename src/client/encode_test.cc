#include "client/encode.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace keyhaven::client {
namespace {

std::string text(const SecretBytes& body) { return std::string(as_text(body.expose())); }

TEST(EncodeTest, AnInstancePolicyHasOnlyWhatIsSaid) {
  const std::string head =
      R"({"metadata":{"collectionType":"application/vnd.ibm.kms.policy+json","collectionTotal":1},)"
      R"("resources":[{"policy_type":)";
  InstancePolicyChange change;
  change.type = "metrics";
  change.enabled = true;
  EXPECT_EQ(text(encode_instance_policy(change)),
            head + R"("metrics","policy_data":{"enabled":true}}]})");
  change.type = "allowedIP";
  change.allowed_ip = {"192.0.2.0/24", "::1/128"};
  EXPECT_EQ(text(encode_instance_policy(change)),
            head + R"("allowedIP","policy_data":{"enabled":true,)"
                   R"("attributes":{"allowed_ip":["192.0.2.0/24","::1/128"]}}}]})");
  change = {"keyCreateImportAccess",
            true,
            {},
            {},
            {},
            {{"create_root_key", false}, {"enforce_token", true}}};
  EXPECT_EQ(text(encode_instance_policy(change)),
            head + R"("keyCreateImportAccess","policy_data":{"enabled":true,)"
                   R"("attributes":{"create_root_key":false,"enforce_token":true}}}]})");
  change = {"rotation", true, {}, {}, 3, {}};
  EXPECT_EQ(text(encode_instance_policy(change)), head +
                                                      R"("rotation","policy_data":{"enabled":true,)"
                                                      R"("attributes":{"interval_month":3}}}]})");
}

TEST(EncodeTest, KeyPoliciesHoldOnlyWhatIsChanged) {
  const std::string head =
      R"({"metadata":{"collectionType":"application/vnd.ibm.kms.policy+json","collectionTotal":1},)"
      R"("resources":[{"type":"application/vnd.ibm.kms.policy+json")";
  EXPECT_EQ(text(encode_key_policies({RotationPolicy{true, 3}, std::nullopt})),
            head + R"(,"rotation":{"enabled":true,"interval_month":3}}]})");
  EXPECT_EQ(text(encode_key_policies({RotationPolicy{false, 0}, true})),
            head + R"(,"rotation":{"enabled":false},"dualAuthDelete":{"enabled":true}}]})");
}

TEST(EncodeTest, ACreateCarriesEncryptedMaterialAndExactPolicies) {
  CreateKey request;
  request.name = "n";
  request.encrypted = {"cA==", "bg==", "aXY=", "RSAES_OAEP_SHA_1"};
  request.exact_policies = KeyPolicies{std::nullopt, false};
  EXPECT_EQ(
      text(encode_create_key(request)),
      R"({"metadata":{"collectionType":"application/vnd.ibm.kms.key+json","collectionTotal":1},)"
      R"("resources":[{"type":"application/vnd.ibm.kms.key+json","name":"n","extractable":false,)"
      R"("payload":"cA==","encryptedNonce":"bg==","iv":"aXY=",)"
      R"("encryptionAlgorithm":"RSAES_OAEP_SHA_1","dualAuthDelete":{"enabled":false}}]})");
}

TEST(EncodeTest, RegistrationsAndIntents) {
  EXPECT_EQ(text(encode_registration({"", "crn:x", "for the database", true})),
            R"({"metadata":{"collectionType":)"
            R"("application/vnd.ibm.kms.registration_input+json","collectionTotal":1},)"
            R"("resources":[{"description":"for the database","preventKeyDeletion":true}]})");
  EXPECT_EQ(text(encode_migration_intent("crn:t")),
            R"({"metadata":{"collectionType":)"
            R"("application/vnd.ibm.kms.migration_intent_input+json","collectionTotal":1},)"
            R"("resources":[{"targetCRK":"crn:t"}]})");
}

TEST(EncodeTest, LimitsAreNumbersOrNull) {
  UpdateInstance change;
  change.limits = {{"keys", 5}, {"aliases", std::nullopt}, {"dek_bytes", 64}};
  EXPECT_EQ(text(encode_update_instance(change)),
            R"({"parameters":{"limits":{"keys":5,"aliases":null,"dek_bytes":64}}})");
  change.limits.clear();
  change.reset_allowed_ip = true;
  EXPECT_EQ(text(encode_update_instance(change)), R"({"parameters":{"allowed_ip":[]}})");
  EXPECT_EQ(text(encode_update_instance({})), "{}");
}

TEST(EncodeTest, UnitCountsAreSentWhenGiven) {
  UpdateInstance change;
  change.recovery_units = 2;
  EXPECT_EQ(text(encode_update_instance(change)), R"({"parameters":{"recovery_units":2}})");
  CreateInstance request;
  request.name = "n";
  request.units = 3;
  request.failover_units = 0;
  EXPECT_EQ(text(encode_create_instance(request)),
            R"({"name":"n","resource_plan_id":"standard",)"
            R"("parameters":{"units":3,"failover_units":0}})");
}

}  // namespace
}  // namespace keyhaven::client
