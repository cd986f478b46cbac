// Bodies of the calls on keys, as far as material and policies go.
#include "http/key_requests.h"

#include <gtest/gtest.h>

#include "net/http_server.h"

namespace keyhaven::http {
namespace {

// A body as net/ hands it over: with room behind it.
class BodyBytes {
 public:
  explicit BodyBytes(std::string_view text) : bytes_(text.begin(), text.end()), size_(text.size()) {
    bytes_.resize(size_ + net::kBodySlack);
  }
  std::span<std::uint8_t> span() { return std::span(bytes_).first(size_); }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t size_;
};

std::string envelope(const std::string& members) {
  return R"({"metadata":{"collectionType":"application/vnd.ibm.kms.key+json","collectionTotal":1},)"
         R"("resources":[{)" +
         members + "}]}";
}

const std::string kPayload = R"("payload":")" + to_base64(Bytes(512, 1)) + "\"";
const std::string kNonce = R"("encryptedNonce":")" + to_base64(Bytes(28, 2)) + "\"";
const std::string kIv = R"("iv":")" + to_base64(Bytes(12, 3)) + "\"";

// Create, rotate and restore read the same members of material.
using Read = Result<keys::Material> (*)(const std::string& members);
Result<keys::Material> by_create(const std::string& members) {
  BodyBytes body(envelope(members));
  auto request = KH_TRY(read_create_key(body.span()));
  return std::move(request.material);
}
Result<keys::Material> by_rotate(const std::string& members) {
  BodyBytes body("{" + members + "}");
  return read_rotate(body.span());
}
Result<keys::Material> by_restore(const std::string& members) {
  BodyBytes body("{" + members + "}");
  return read_restore(body.span());
}
Result<keys::Material> by_restore_in_envelope(const std::string& members) {
  BodyBytes body(envelope(members));
  return read_restore(body.span());
}
constexpr Read kReaders[] = {by_create, by_rotate, by_restore, by_restore_in_envelope};

TEST(KeyRequestsTest, MaterialInWhateverForm) {
  for (const Read read : kReaders) {
    const auto none =
        read(R"("payload":"","encryptedNonce":"","iv":null,"encryptionAlgorithm":"")");
    EXPECT_FALSE(none.value().given());
    const auto clear = read(R"("payload":"AAEC","encryptionAlgorithm":"RSAES_OAEP_SHA_256")");
    EXPECT_TRUE(clear->clear == SecretBytes::copy_of(Bytes{0, 1, 2}));
    EXPECT_FALSE(clear->encrypted);
    // In another order than the documents have it, too.
    for (const std::string& members :
         {kPayload + "," + kNonce + "," + kIv, kIv + "," + kNonce + "," + kPayload}) {
      const auto secure = read(members);
      ASSERT_TRUE(secure);
      EXPECT_TRUE(secure->clear.empty());
      ASSERT_TRUE(secure->encrypted);
      EXPECT_EQ(secure->encrypted->payload, Bytes(512, 1));
      EXPECT_EQ(secure->encrypted->encrypted_nonce, Bytes(28, 2));
      EXPECT_EQ(secure->encrypted->iv, Bytes(12, 3));
      EXPECT_EQ(secure->encrypted->hash, unit::OaepHash::Sha256);
    }
    const auto sha1 =
        read(kPayload + "," + kNonce + "," + kIv + R"(,"encryptionAlgorithm":"RSAES_OAEP_SHA_1")");
    EXPECT_EQ(sha1->encrypted->hash, unit::OaepHash::Sha1);
  }
}

TEST(KeyRequestsTest, HalfOfEncryptedMaterialIsRefused) {
  struct Row {
    std::string members;
    std::string_view target;
  };
  const Row rows[] = {
      {kPayload + "," + kNonce, "iv"},
      {kPayload + "," + kNonce + R"(,"iv":"")", "iv"},
      {kPayload + "," + kIv, "encryptedNonce"},
      {kNonce + "," + kIv, "payload"},
      {kPayload + "," + kIv + R"(,"encryptedNonce":"***")", "encryptedNonce"},
      {kPayload + "," + kNonce + R"(,"iv":5)", "iv"},
      {R"("encryptedNonce":")" + to_base64(Bytes(65)) + "\"", "encryptedNonce"},
      {R"("encryptionAlgorithm":"RSAES_PKCS1_V1_5")", "encryptionAlgorithm"},
  };
  for (const Read read : kReaders) {
    for (const Row& row : rows) {
      const auto refused = read(row.members);
      ASSERT_FALSE(refused) << row.members;
      EXPECT_EQ(refused.error().reason, Reason::InvalidField) << row.members;
      EXPECT_EQ(refused.error().target, row.target) << row.members;
    }
  }
}

TEST(KeyRequestsTest, OverridesAreReadOnlyWhereTheyBelong) {
  const std::string members =
      R"("name":"k1","rotation":{"interval_month":3},"dualAuthDelete":{"enabled":true})";
  BodyBytes plain(envelope(members));
  EXPECT_FALSE(read_create_key(plain.span())->overrides);
  BodyBytes with(envelope(members));
  const auto request = read_create_key_with_overrides(with.span());
  ASSERT_TRUE(request);
  EXPECT_EQ(request->overrides->rotation_months, 3);
  EXPECT_TRUE(request->overrides->rotation_enabled);
  EXPECT_EQ(request->overrides->dual_auth, true);
  BodyBytes without(envelope(R"("name":"k1","rotation":null)"));
  const auto none = read_create_key_with_overrides(without.span());
  ASSERT_TRUE(none->overrides);
  EXPECT_FALSE(none->overrides->rotation_months);
  EXPECT_FALSE(none->overrides->dual_auth);
}

TEST(KeyRequestsTest, UselessOverridesAreRefused) {
  struct Row {
    std::string_view members;
    std::string_view target;
  };
  constexpr Row kRows[] = {
      {R"("rotation":{})", "interval_month"},
      {R"("rotation":{"enabled":true})", "interval_month"},
      {R"("rotation":{"interval_month":"3"})", "interval_month"},
      {R"("rotation":{"interval_month":1.5})", "interval_month"},
      {R"("rotation":{"enabled":"yes","interval_month":1})", "enabled"},
      {R"("dualAuthDelete":{})", "enabled"},
      {R"("dualAuthDelete":{"enabled":1})", "enabled"},
  };
  for (const Row& row : kRows) {
    BodyBytes body(envelope(std::string(row.members)));
    const auto refused = read_create_key_with_overrides(body.span());
    ASSERT_FALSE(refused) << row.members;
    EXPECT_EQ(refused.error().reason, Reason::InvalidField) << row.members;
    EXPECT_EQ(refused.error().target, row.target) << row.members;
  }
}

}  // namespace
}  // namespace keyhaven::http
