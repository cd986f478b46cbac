// Proposals and transcripts in the embedded store.
#include <gtest/gtest.h>

#include "audit/log_test_directory.h"
#include "store/database.h"
#include "store/rows.h"
#include "store/sqlite.h"
#include "store/test_samples.h"
#include "unit/record_table_for_tests.h"

namespace keyhaven::store {
namespace {

using instances::Proposal;
using instances::TranscriptEntry;

class TkeRowsTest : public testing::Test {
 protected:
  std::unique_ptr<Database> open() {
    return Database::open({.directory = directory_.path()}, log_, *guard_, clock_).value();
  }
  std::unique_ptr<Connection> file() {
    return Connection::open(directory_.file("keyhaven.db"), Access::ReadWrite).value();
  }
  Proposal sample(std::int64_t created) const {
    Proposal out;
    out.instance = instance_;
    out.id = {crypto::random_uuid()};
    out.unit = {crypto::random_uuid()};
    out.block = Bytes(100, 7);
    out.note = "why";
    out.created = Timestamp::from_seconds(created);
    return out;
  }
  TranscriptEntry entry(std::string request) const {
    TranscriptEntry out;
    out.instance = instance_;
    out.time = Timestamp::from_seconds(5);
    out.request = std::move(request);
    out.response = "answer";
    out.certificates = {Bytes(584, 1), Bytes(584, 2)};
    return out;
  }

  const InstanceId instance_ = new_instance();
  audit::TestDirectory directory_;
  RecordingLog log_;
  SystemClock clock_;
  unit::RecordTableForTests guard_;
};

TEST_F(TkeRowsTest, ProposalsComeBackInOrderOfCreation) {
  Proposal second = sample(20);
  Proposal first = sample(10);
  const audit::Event event = sample_event("made");
  {
    auto database = open();
    EXPECT_EQ(database->put_proposal(second, &event).value(), 1U);
    EXPECT_EQ(database->put_proposal(first, nullptr).value(), 1U);
    first.revision = 1;
    first.state = instances::ProposalState::Sent;
    first.response = "answer";
    EXPECT_EQ(database->put_proposal(first, nullptr).value(), 2U);
  }
  auto database = open();
  first.revision = 2;
  second.revision = 1;
  EXPECT_EQ(database->proposals_of(instance_).value(), (std::vector<Proposal>{first, second}));
  EXPECT_EQ(database->find_proposal(instance_, second.id).value(), second);
  EXPECT_EQ(database->find_proposal(new_instance(), second.id).value(), std::nullopt);
  EXPECT_TRUE(database->proposals_of(new_instance()).value().empty());
  EXPECT_EQ(log_.events().size(), 1U);  // one event was given
}

TEST_F(TkeRowsTest, WhoKnowsAnOldRevisionChangesNothing) {
  auto database = open();
  Proposal proposal = sample(1);
  ASSERT_TRUE(database->put_proposal(proposal, nullptr));
  EXPECT_EQ(database->put_proposal(proposal, nullptr).error().reason, Reason::Conflict);
  proposal.revision = 7;
  EXPECT_EQ(database->put_proposal(proposal, nullptr).error().reason, Reason::Conflict);
  EXPECT_EQ(database->remove_proposal(proposal, nullptr).error().reason, Reason::Conflict);
  proposal.revision = 1;
  const audit::Event event = sample_event("gone");
  EXPECT_TRUE(database->remove_proposal(proposal, &event));
  EXPECT_EQ(database->find_proposal(instance_, proposal.id).value(), std::nullopt);
}

TEST_F(TkeRowsTest, EntriesAreNumberedAndChainedPerInstance) {
  {
    auto database = open();
    EXPECT_EQ(database->append_transcript(entry("one")).value(), 1U);
    TranscriptEntry other = entry("other");
    other.instance = new_instance();
    EXPECT_EQ(database->append_transcript(other).value(), 1U);
  }
  auto database = open();
  EXPECT_EQ(database->append_transcript(entry("two")).value(), 2U);
  const auto page = database->read_transcript(instance_, 1, 10).value();
  ASSERT_EQ(page.entries.size(), 2U);
  EXPECT_EQ(page.entries[0].previous, Digest{});
  EXPECT_EQ(page.entries[1].previous, instances::hash_of(page.entries[0]));
  EXPECT_EQ(page.entries[1].request, "two");
  EXPECT_EQ(database->read_transcript(instance_, 2, 10)->entries.size(), 1U);
  EXPECT_EQ(database->read_transcript(instance_, 1, 1)->entries.size(), 1U);
  EXPECT_EQ(database->read_transcript(instance_, 3, 10)->entries.size(), 0U);
  EXPECT_EQ(database->read_transcript(new_instance(), 1, 10)->last, 0U);
}

TEST_F(TkeRowsTest, TheNewestTenThousandEntriesStay) {
  open();
  TranscriptEntry late = entry("late");
  late.sequence = instances::kKeptTranscriptEntries;
  const StoredRow row = make_row("tke_transcript", instances::encode(late));
  TranscriptEntry early = entry("early");
  early.sequence = 1;
  const StoredRow early_row = make_row("tke_transcript", instances::encode(early));
  {
    auto db = file();
    for (const auto& [sequence, one] : {std::pair(late.sequence, row), {1, early_row}}) {
      ASSERT_TRUE(db->query("INSERT INTO tke_transcript VALUES (?, ?, ?, ?)")
                      .blob(instance_.view())
                      .number(sequence)
                      .blob(one.record)
                      .blob(one.checksum)
                      .execute());
    }
  }
  auto database = open();
  EXPECT_EQ(database->read_transcript(instance_, 1, 10)->first, 1U);
  ASSERT_TRUE(database->append_transcript(entry("next")));
  const auto page = database->read_transcript(instance_, 1, 10).value();
  EXPECT_EQ(page.first, instances::kKeptTranscriptEntries);
  EXPECT_EQ(page.last, instances::kKeptTranscriptEntries + 1);
  EXPECT_EQ(page.entries[1].previous, instances::hash_of(page.entries[0]));
}

TEST_F(TkeRowsTest, DamagedRowsAreNamed) {
  Proposal proposal = sample(1);
  {
    auto database = open();
    ASSERT_TRUE(database->put_proposal(proposal, nullptr));
    ASSERT_TRUE(database->append_transcript(entry("one")));
  }
  {
    auto db = file();
    ASSERT_TRUE(db->run("UPDATE tke_proposals SET revision = 5"));
    ASSERT_TRUE(db->run("UPDATE tke_transcript SET record = x'00'"));
  }
  auto database = open();
  EXPECT_EQ(database->find_proposal(instance_, proposal.id).error().reason, Reason::Internal);
  EXPECT_EQ(database->read_transcript(instance_, 1, 1).error().reason, Reason::Internal);
  EXPECT_EQ(database->append_transcript(entry("two")).error().reason, Reason::Internal);
}

}  // namespace
}  // namespace keyhaven::store
