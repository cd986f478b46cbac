#include "keys/crn_query.h"

#include <gtest/gtest.h>

namespace keyhaven::keys {
namespace {

const std::string kService = "crn:v1:bluemix:public:databases:eu-de:a/acc:inst";

TEST(CrnQuery, Matches) {
  const std::string bucket = kService + ":bucket:pay/roll";
  struct Row {
    std::string query;
    std::string crn;
    bool matches;
  };
  const Row rows[] = {
      {bucket, bucket, true},
      {bucket, bucket + "x", false},
      {bucket, kService + ":bucket:pay", false},
      {kService + ":bucket:*", bucket, true},
      {kService + ":bucket:pay*", bucket, true},
      {kService + ":bucket:pay/roll*", bucket, true},
      {kService + ":bucket:roll*", bucket, false},
      {kService + ":*:*", bucket, true},
      {kService + ":*:*", kService, true},
      {kService + "::", kService, true},
      {kService + "::", kService + ":", true},
      {kService + "::", bucket, false},
      {kService + ":bucket:*", kService + ":object:pay/roll", false},
      {"crn:v1:*:*:databases:*:*:*:*:*", bucket, true},
      {"crn:v1:*:*:storage:*:*:*:*:*", bucket, false},
      {"crn:v1:bluemix:public:databases:eu-de:a/acc:*:bucket:pay*", bucket, true},
      // The last segment may contain colons; a shorter one must not swallow them.
      {kService + ":bucket:a:b:c", kService + ":bucket:a:b:c", true},
      {kService + ":bucket:a*", kService + ":bucket:a:b:c", true},
      {kService + ":bucket:a", kService + ":bucket:a:b:c", false},
      {kService + ":Bucket:*", bucket, false},
  };
  for (const Row& row : rows) {
    const auto query = CrnQuery::parse(row.query);
    ASSERT_TRUE(query) << row.query;
    EXPECT_EQ(query->matches(row.crn), row.matches) << row.query << " on " << row.crn;
  }
}

TEST(CrnQuery, RefusesWhatIsNone) {
  for (const std::string& text :
       {std::string(), std::string("not-a-crn"), kService, kService + ":bucket",
        std::string("CRN:v1:a:b:c:d:e:f:g:h"), kService + ":buck*:x", kService + ":*et:x",
        kService + ":bucket:a*b", kService + ":bucket:**", std::string("*:v1:a:b:c:d:e:f:g:h"),
        kService + ":bucket:" + std::string(kMaxResourceCrnBytes, 'x')}) {
    const auto query = CrnQuery::parse(text);
    ASSERT_FALSE(query) << text;
    EXPECT_EQ(query.error().reason, Reason::InvalidQueryParam) << text;
    EXPECT_EQ(query.error().target, "urlEncodedResourceCRNQuery");
  }
}

TEST(CrnQuery, AServiceSeesItsOwn) {
  auto query = CrnQuery::parse("crn:v1:*:*:*:*:*:*:bucket:pay*").value();
  EXPECT_TRUE(query.matches("crn:v1:x:y:storage:z:a/b:other:bucket:payroll"));
  query.restrict_to(kService);
  EXPECT_FALSE(query.matches("crn:v1:x:y:storage:z:a/b:other:bucket:payroll"));
  EXPECT_TRUE(query.matches(kService + ":bucket:payroll"));
  EXPECT_FALSE(query.matches(kService + ":bucket:sales"));
  const CrnQuery all = CrnQuery::all_of(kService);
  EXPECT_TRUE(all.matches(kService));
  EXPECT_TRUE(all.matches(kService + ":bucket:a:b"));
  EXPECT_FALSE(all.matches(kService + "2:bucket:a"));
}

TEST(ResourceCrn, ReachesTheServiceInstance) {
  for (const std::string& good :
       {kService, kService + ":", kService + "::", kService + ":bucket:a/b:c",
        kService + ":bucket:caf\xc3\xa9", std::string("crn:v1:bluemix:public:x:::i")}) {
    EXPECT_TRUE(check_resource_crn(good)) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("crn:v1:bluemix:public:databases:eu-de:a/acc"),
        std::string("crn:v1:bluemix:public:databases:eu-de:a/acc:"), kService + ":bucket:*",
        kService + ":bucket:a b", kService + ":bucket:a\n", kService + ":bucket:\xff",
        std::string("crn:v2:bluemix:public:databases:eu-de:a/acc:inst"), "x" + kService,
        kService + ":bucket:" + std::string(kMaxResourceCrnBytes, 'x')}) {
    const auto refused = check_resource_crn(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().reason, Reason::InvalidField) << bad;
  }
}

TEST(ResourceCrn, IsOwnedByWholeSegments) {
  EXPECT_TRUE(is_owned_by(kService, kService));
  EXPECT_TRUE(is_owned_by(kService + ":bucket:a", kService));
  EXPECT_FALSE(is_owned_by(kService + "2:bucket:a", kService));
  EXPECT_FALSE(is_owned_by("crn:v1", kService));
  EXPECT_FALSE(is_owned_by(kService, ""));
}

}  // namespace
}  // namespace keyhaven::keys
