// The worked example of docs/protocols/audit-log.md is what the code writes, and its hashes are
// what the document says.
#include <gtest/gtest.h>

#include <numeric>

#include "audit/log.h"
#include "audit/log_test_directory.h"
#include "crypto/hash.h"

namespace keyhaven::audit {
namespace {

// The example: the key's seed is 00 01 ... 1f, the clock stands at 2023-11-14T22:13:20Z.
SecretBytes example_seed() {
  SecretBytes seed(32);
  std::iota(seed.expose_mutable().begin(), seed.expose_mutable().end(), std::uint8_t{0});
  return seed;
}

Event example_event(const char* action, int status) {
  Event event;
  event.time = Timestamp::from_seconds(1'700'000'000);
  event.action = action;
  event.outcome = Outcome::Success;
  event.status = status;
  event.initiator_id = "iam-ServiceId-1";
  return event;
}

// The lines of the document that are records, in order: two of loop-0, one of management, one of
// checkpoint.
std::vector<std::string> documented_records() {
  std::vector<std::string> records;
  for (const std::string& line : lines_of(read_text(KH_AUDIT_LOG_DOCUMENT))) {
    if (line.starts_with("{\"seq\":") && line[7] != 'N') records.push_back(line);  // N: the form
  }
  return records;
}

TEST(AuditLogDocumentTest, ShowsWhatTheCodeWrites) {
  const TestDirectory directory;
  const ManualClock clock(Timestamp::from_seconds(1'700'000'000));
  {
    auto opened = Log::open({.directory = directory.path()},
                            crypto::Ed25519PrivateKey::from_seed(example_seed()).value(), clock);
    ASSERT_TRUE(opened);
    Log& log = **opened;
    log.append_loop(0, example_event("hs-crypto.secrets.wrap", 200));
    log.append_loop(0, example_event("hs-crypto.secrets.unwrap", 200));
    ASSERT_TRUE(log.flush_loop(0));
    std::string json;
    append_json(json, example_event("hs-crypto.secrets.create", 201));
    ASSERT_TRUE(log.append_outbox({{1, json}}));
    ASSERT_TRUE(log.checkpoint());
  }
  const std::string written = read_text(directory.file("loop-0.00000001.log")) +
                              read_text(directory.file("management.00000001.log")) +
                              read_text(directory.file("checkpoint.00000001.log"));
  EXPECT_EQ(join(documented_records()), written);
}

// Recomputes the second record of loop-0 by the rule of the document, with nothing of record.cc.
TEST(AuditLogDocumentTest, HashesAreByItsRule) {
  const auto records = documented_records();
  ASSERT_EQ(records.size(), 4U);
  const Digest start = crypto::sha256(as_bytes("keyhaven audit v1\nloop-0"));
  const auto member = [](const std::string& record, const std::string& name) {
    const std::size_t at = record.rfind(",\"" + name + "\":\"") + name.size() + 5;
    return record.substr(at, record.find('"', at) - at);
  };
  EXPECT_EQ(member(records[0], "prev"), to_hex(start));
  EXPECT_EQ(member(records[1], "prev"), member(records[0], "hash"));
  for (const std::string& record : records) {
    const std::string covered = record.substr(0, record.rfind(",\"prev\":\""));
    Bytes input = from_hex(member(record, "prev")).value();
    append(input, as_bytes(covered));
    EXPECT_EQ(member(record, "hash"), to_hex(crypto::sha256(input)));
  }
  Bytes message = to_bytes(as_bytes("keyhaven audit checkpoint v1\n"));
  append(message, from_hex(member(records[3], "hash")).value());
  const std::string document = read_text(KH_AUDIT_LOG_DOCUMENT);
  const auto key = crypto::Ed25519PrivateKey::from_seed(example_seed());
  EXPECT_NE(document.find(to_hex(key.value().public_key())), std::string::npos);
  EXPECT_TRUE(crypto::ed25519_verify(key.value().public_key(), message,
                                     from_hex(member(records[3], "signature")).value()));
}

}  // namespace
}  // namespace keyhaven::audit
