// Two scripted services that hold the same keys, or nearly.
#include "migrate/transfer_proof.h"

#include <gtest/gtest.h>

#include "migrate/service_for_tests.h"

namespace keyhaven::migrate {
namespace {

using testing::FakeKey;
using testing::FakeService;

class Silent final : public Observer {
 public:
  void progress(std::uint64_t done, std::uint64_t) override { last = done; }
  void note(const std::string&) override {}
  std::uint64_t last = 0;
};

class TransferProofTest : public ::testing::Test {
 protected:
  // The same key on both sides; its id.
  std::string add(FakeKey key) {
    char id[40];
    std::snprintf(id, sizeof id, "%08x-0000-4000-8000-000000000000", ++number_);
    key.id = id;
    key.name = "key " + std::to_string(number_);
    if (key.material.empty()) key.material = {to_base64(as_bytes("material of " + key.name))};
    source.add(key);
    target.add(key);
    keys_.push_back({KeyId::parse(id).value(), key.name, "a type", 1});
    return id;
  }
  TransferProof prove() {
    Silent observer;
    auto proof = prove_transfer(keys_, source.side(), target.side(), 3, observer);
    EXPECT_TRUE(proof) << proof.error().message;
    EXPECT_EQ(observer.last, keys_.size());
    return proof ? std::move(*proof) : TransferProof();
  }
  FakeService source{"source-instance"};
  FakeService target{"target-instance"};

 private:
  std::vector<client::TransferredKey> keys_;
  unsigned number_ = 0;
};

TEST_F(TransferProofTest, WhatIsTheSameIsProved) {
  add({.description = "for what", .tags = {"a", "b"}, .aliases = {"one", "two"}, .ring = "team"});
  add({.imported = true, .material = {to_base64(as_bytes("old")), to_base64(as_bytes("new"))}});
  add({.root = false});
  add({.state = client::kSuspended});
  add({.state = client::kDeactivated});
  const TransferProof proof = prove();
  EXPECT_EQ(proof.count(KeyVerdict::Equal), 3U);
  EXPECT_EQ(proof.count(KeyVerdict::NotProvable), 2U);
  for (const KeyProof& key : proof.keys) {
    for (const std::string& one : key.differences) ADD_FAILURE() << key.name << ": " << one;
  }
}

TEST_F(TransferProofTest, EveryDifferenceIsFound) {
  const struct {
    const char* what;
    FakeKey key;
    void (*change)(FakeKey&);
  } rows[] = {
      {"the newest material",
       {},
       [](FakeKey& key) { key.material.back() = to_base64(as_bytes("another")); }},
      {"a payload",
       {.root = false},
       [](FakeKey& key) { key.material.back() = to_base64(as_bytes("another")); }},
      {"a version", {}, [](FakeKey& key) { key.material.insert(key.material.begin(), "b2xk"); }},
      {"the description", {.description = "a"}, [](FakeKey& key) { key.description = "b"; }},
      {"the tags", {.tags = {"a"}}, [](FakeKey& key) { key.tags = {}; }},
      {"the aliases", {.aliases = {"alias"}}, [](FakeKey& key) { key.aliases.clear(); }},
      {"the ring", {.ring = "team"}, [](FakeKey& key) { key.ring = "default"; }},
      {"the state", {}, [](FakeKey& key) { key.state = client::kSuspended; }},
      {"the origin", {}, [](FakeKey& key) { key.imported = true; }},
      {"the expiration date", {}, [](FakeKey& key) { key.expires = "2030-01-02T03:04:05Z"; }},
      {"the rotation policy",
       {},
       [](FakeKey& key) {
         key.policies.rotation = client::RotationPolicy{true, 3};
       }},
      {"a registration",
       {},
       [](FakeKey& key) {
         key.registrations = {{key.id, "crn:v1:a:b:c:d:e:f:g:h", "what for", true}};
       }},
  };
  for (const auto& row : rows) {
    const std::string id = add(row.key);
    target.change(id, row.change);
  }
  const TransferProof proof = prove();
  ASSERT_EQ(proof.keys.size(), std::size(rows));
  for (std::size_t i = 0; i < proof.keys.size(); ++i) {
    EXPECT_EQ(proof.keys[i].verdict, KeyVerdict::Different) << rows[i].what;
    EXPECT_FALSE(proof.keys[i].differences.empty()) << rows[i].what;
  }
}

TEST_F(TransferProofTest, AKeyThatIsMissingIsNotEqual) {
  const std::string id = add({});
  target.refuse([&](std::string_view, std::string_view path) {
    return path.find(id) != std::string_view::npos;
  });
  const TransferProof proof = prove();
  ASSERT_EQ(proof.keys.size(), 1U);
  EXPECT_EQ(proof.keys[0].verdict, KeyVerdict::Different);
  ASSERT_EQ(proof.keys[0].differences.size(), 1U);
  EXPECT_TRUE(proof.keys[0].differences[0].starts_with("target: "));
}

}  // namespace
}  // namespace keyhaven::migrate
