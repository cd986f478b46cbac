// tke/transcript_check.h against real units: what is not as they and their administrators signed it
// is found, whoever wrote the rows.
#include "tke/transcript_check.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "unit/ceremony_fixture_for_tests.h"

namespace keyhaven::unit {
namespace {

using tke::TranscriptEntry;
using tke::TranscriptReport;
using Entries = std::vector<TranscriptEntry>;

// Keeps what passes, as the server does.
class TranscriptCheckTest : public CeremonyTest {
 protected:
  TranscriptCheckTest() {
    // Two units with everything that changes their rules.
    for (std::size_t number : {0U, 1U}) {
      auto with = recorded(number);
      TestDeployment::enroll(with, administrators_, 2).value();
      sessions_.push_back(std::move(with));
    }
    const auto parts = random_parts();
    TestDeployment::load(sessions_[0], administrators_, parts).value();
    // The new register is empty: refused and counted.
    expect_refusal(sessions_[0].commit_pending({}, administrators_.all()));
    expect_refusal(sessions_[0].clear_current(strangers_.all()));  // refused, not counted
    sessions_[0].set_thresholds(2, 1, administrators_.all()).value();
  }
  static void expect_refusal(const Result<void>& result) { EXPECT_FALSE(result.has_value()); }

  tke::UnitSession recorded(std::size_t number) {
    const UnitStatus status = units_[number];
    const tke::Transport plain = deployment_.transport(instance_, status.id);
    auto transport = [this, plain, status](const std::string& request) -> Result<std::string> {
      std::string response = KH_TRY(plain(request));
      TranscriptEntry entry;
      entry.request = request;
      entry.response = response;
      const tke::ReadEntry read = tke::read_entry(entry);
      if (read.block && !tke::is_query(read.block->command)) append(entry, status);
      return response;
    };
    return tke::UnitSession::open(transport, TestDeployment::target(status), deployment_.root())
        .value();
  }
  void append(TranscriptEntry entry, const UnitStatus& status) {
    entry.time_us = 1'700'000'000'000'000 + static_cast<std::int64_t>(entries_.size());
    entry.unit = status.id.uuid;
    entry.location = status.location;
    entry.caller = "iam-ServiceId-test";
    entry.certificates = certificates(status);
    entries_.push_back(std::move(entry));
    chain(entries_);
  }
  std::vector<Bytes> certificates(const UnitStatus& status) {
    const auto found = chains_.find(status.module_index);
    if (found != chains_.end()) return found->second;
    std::vector<Bytes> out;
    for (std::uint8_t index = 0; index < tke::kMaxOaChainLength; ++index) {
      tke::AdminBlock query;
      query.command = tke::kQueryOaCertificate;
      query.input = {0, 0, 0, index};
      const tke::AdminRequest request{status.domain_index, tke::encode(query), {}};
      const std::string frame =
          tke::format_request({status.module_index, status.domain_index, tke::encode(request)});
      const auto text = deployment_.table().administer(instance_, status.id, frame).value();
      const auto answer = tke::parse_admin_response(tke::parse_response(text)->payload).value();
      auto block = tke::parse_admin_response_block(answer.block).value();
      if (block.return_code != 0) break;
      out.push_back(std::move(block.output));
    }
    chains_[status.module_index] = out;
    return out;
  }

  // Sequence, previous and hash as somebody who can write the rows makes them.
  void chain(Entries& entries) const {
    Digest previous{};
    for (std::size_t i = 0; i < entries.size(); ++i) {
      entries[i].sequence = i + 1;
      entries[i].previous = previous;
      previous = entries[i].hash = tke::hash_of(instance_.uuid, entries[i]);
    }
  }
  std::vector<tke::LiveUnit> live() {
    std::vector<tke::LiveUnit> out;
    for (std::size_t i = 0; i < sessions_.size(); ++i) {
      tke::LiveUnit unit;
      unit.id = units_[i].id.uuid;
      unit.serial_number = units_[i].serial_number;
      unit.domain_index = units_[i].domain_index;
      unit.moment = sessions_[i].moment().value();
      unit.administrators = sessions_[i].administrators().value();
      out.push_back(std::move(unit));
    }
    return out;
  }
  static tke::TranscriptRange whole(const Entries& entries) {
    tke::TranscriptRange range;
    range.first = entries.empty() ? 0 : entries.front().sequence;
    range.last = entries.empty() ? 0 : entries.back().sequence;
    return range;
  }
  TranscriptReport check(const Entries& entries, tke::TranscriptRange range,
                         std::vector<tke::LiveUnit> units) const {
    tke::TranscriptCheck checker(instance_.uuid, deployment_.root(), range, std::move(units));
    for (const TranscriptEntry& entry : entries) checker.add(entry);
    return checker.finish();
  }
  TranscriptReport check(const Entries& entries) { return check(entries, whole(entries), live()); }

  static std::string text(const TranscriptReport& report) {
    std::string out;
    for (const auto& each : report.faults)
      out += std::to_string(each.sequence) + ": " + each.what + '\n';
    return out;
  }
  static bool names(const TranscriptReport& report, std::uint64_t sequence) {
    return std::ranges::any_of(report.faults,
                               [&](const auto& each) { return each.sequence == sequence; });
  }
  // Index of the n-th entry with this command.
  std::size_t index_of(std::uint32_t command, std::size_t number = 0) const {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const tke::ReadEntry read = tke::read_entry(entries_[i]);
      if (read.block && read.block->command == command && number-- == 0) return i;
    }
    ADD_FAILURE() << "no such entry";
    return 0;
  }

  Entries entries_;
  std::map<std::uint32_t, std::vector<Bytes>> chains_;
  std::vector<tke::UnitSession> sessions_;
};

TEST_F(TranscriptCheckTest, AnHonestOneHolds) {
  const TranscriptReport report = check(entries_);
  EXPECT_TRUE(report.ok()) << text(report);
  EXPECT_EQ(report.entries, entries_.size());
  EXPECT_EQ(report.last_hash, entries_.back().hash);
  EXPECT_TRUE(report.notes.empty());
  // With the root alone.
  const TranscriptReport alone = check(entries_, whole(entries_), {});
  EXPECT_TRUE(alone.ok()) << text(alone);
  // A part of it: what came before is taken as it is.
  for (std::size_t start = 1; start <= entries_.size(); ++start) {
    tke::TranscriptRange range = whole(entries_);
    range.start = start;
    const Entries part(entries_.begin() + static_cast<std::ptrdiff_t>(start - 1), entries_.end());
    const TranscriptReport found = check(part, range, live());
    EXPECT_TRUE(found.ok()) << start << '\n' << text(found);
  }
}

TEST_F(TranscriptCheckTest, ZeroizingBeginsAnew) {
  sessions_[0].zeroize(administrators_.all()).value();
  TestDeployment::enroll(sessions_[0], strangers_, 1).value();
  const TranscriptReport report = check(entries_);
  EXPECT_TRUE(report.ok()) << text(report);
}

// Any byte of any entry: the chain shows it, and names the entry.
TEST_F(TranscriptCheckTest, AnAlteredEntryIsNamed) {
  const std::function<void(TranscriptEntry&)> edits[] = {
      [](TranscriptEntry& e) { e.time_us += 1; },
      [](TranscriptEntry& e) { e.caller += "x"; },
      [](TranscriptEntry& e) { e.location = "[local].[AZ1-CS1].[01].[01]"; },
      [](TranscriptEntry& e) { e.unit.bytes[0] ^= 1; },
      [](TranscriptEntry& e) { e.request.back() = e.request.back() == '0' ? '1' : '0'; },
      [](TranscriptEntry& e) { e.response.back() = e.response.back() == '0' ? '1' : '0'; },
      [](TranscriptEntry& e) { e.response.clear(); },
      [](TranscriptEntry& e) { e.certificates.clear(); },
      [](TranscriptEntry& e) { e.certificates[0][100] ^= 1; },
      [](TranscriptEntry& e) { e.hash[0] ^= 1; },
      [](TranscriptEntry& e) { e.previous[0] ^= 1; },
  };
  for (std::size_t at = 0; at < entries_.size(); ++at) {
    std::size_t number = 0;
    for (const auto& edit : edits) {
      Entries changed = entries_;
      edit(changed[at]);
      const TranscriptReport report = check(changed, whole(changed), {});
      EXPECT_TRUE(names(report, at + 1)) << "entry " << at + 1 << ", edit " << number << '\n'
                                         << text(report);
      ++number;
    }
  }
}

TEST_F(TranscriptCheckTest, ARemovedEntryIsFoundEvenWhenTheChainIsMadeAnew) {
  for (std::size_t at = 0; at < entries_.size(); ++at) {
    Entries changed = entries_;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at));
    EXPECT_FALSE(check(changed).ok()) << at + 1;
    const tke::ReadEntry read = tke::read_entry(entries_[at]);
    chain(changed);
    const bool counted = read.accepted() || read.block->counter == read.answer.counter;
    EXPECT_EQ(check(changed).ok(), !counted)
        << "entry " << at + 1;  // an uncounted refusal did nothing
  }
}

TEST_F(TranscriptCheckTest, AReorderedOneIsFoundEvenWhenTheChainIsMadeAnew) {
  for (std::size_t at = 0; at + 1 < entries_.size(); ++at) {
    Entries changed = entries_;
    std::swap(changed[at], changed[at + 1]);
    EXPECT_FALSE(check(changed).ok()) << at + 1;
    const bool same_unit = changed[at].unit == changed[at + 1].unit;
    const bool both =
        tke::read_entry(changed[at]).accepted() && tke::read_entry(changed[at + 1]).accepted();
    chain(changed);
    EXPECT_FALSE(same_unit && both && check(changed).ok()) << at + 1;
  }
}

TEST_F(TranscriptCheckTest, CutOffInFront) {
  Entries changed(entries_.begin() + 2, entries_.end());
  EXPECT_FALSE(check(changed).ok()) << "the service must keep 10,000";
  chain(changed);
  const TranscriptReport report = check(changed);
  EXPECT_TRUE(names(report, 1)) << text(report);
  EXPECT_NE(text(report).find("commands before are missing"), std::string::npos);
}

TEST_F(TranscriptCheckTest, CutOffAtTheEnd) {
  Entries changed = entries_;
  changed.pop_back();
  EXPECT_NE(text(check(changed)).find("lacks its end"), std::string::npos);
  EXPECT_TRUE(check(changed, whole(changed), {}).ok()) << "the root alone cannot tell";
  tke::TranscriptRange range = whole(changed);
  range.known = {entries_.back().sequence, entries_.back().hash};
  EXPECT_NE(text(check(changed, range, {})).find("the end was cut off"), std::string::npos);
  range = whole(entries_);
  EXPECT_NE(text(check(changed, range, {})).find("entries after"), std::string::npos);
  EXPECT_FALSE(check({}).ok()) << "all of it";
}

TEST_F(TranscriptCheckTest, AnotherHashThanTheOneThatWasKept) {
  tke::TranscriptRange range = whole(entries_);
  range.known = {3, entries_[2].hash};
  EXPECT_TRUE(check(entries_, range, live()).ok());
  Entries changed = entries_;
  changed[1].caller = "somebody else";
  chain(changed);
  EXPECT_TRUE(check(changed).ok()) << "nobody signs who sent it";
  EXPECT_TRUE(names(check(changed, range, live()), 3));
}

TEST_F(TranscriptCheckTest, AnInventedEntryIsNamed) {
  // An answer that a unit did give, once more.
  Entries changed = entries_;
  changed.insert(changed.begin() + 6, entries_[4]);
  chain(changed);
  EXPECT_TRUE(names(check(changed), 7)) << text(check(changed));
  // By a unit of another deployment.
  TestDeployment other;
  const auto units = other.table().create_units(instance_, "local", 2).value();
  TranscriptEntry invented = entries_.back();
  const auto transport = [&](const std::string& request) -> Result<std::string> {
    invented.request = request;
    invented.response = KH_TRY(other.transport(instance_, units[0].id)(request));
    return invented.response;
  };
  auto with =
      tke::UnitSession::open(transport, TestDeployment::target(units[0]), other.root()).value();
  with.add_administrator(strangers_.certificates[0], {}).value();
  changed = entries_;
  changed.push_back(invented);
  chain(changed);
  EXPECT_TRUE(names(check(changed), changed.size())) << text(check(changed));
}

TEST_F(TranscriptCheckTest, TheAnswerOfAnotherUnitIsNamed) {
  // Both units were told the same first command; the answers are exchanged.
  const std::size_t first = index_of(tke::kAddAdministrator, 0);
  const std::size_t second = index_of(tke::kAddAdministrator, 2);
  ASSERT_NE(entries_[first].unit, entries_[second].unit);
  Entries changed = entries_;
  std::swap(changed[first].response, changed[second].response);
  std::swap(changed[first].certificates, changed[second].certificates);
  chain(changed);
  const TranscriptReport report = check(changed);
  EXPECT_TRUE(names(report, first + 1)) << text(report);
  EXPECT_TRUE(names(report, second + 1)) << text(report);
}

// Whoever can write the rows makes the chain anew and keeps the units' answers.
TEST_F(TranscriptCheckTest, AnotherCommandUnderTheUnitsAnswerIsFound) {
  const std::size_t at = index_of(tke::kSetAttributes, 2);
  const tke::ReadEntry read = tke::read_entry(entries_[at]);
  tke::AdminBlock block = *read.block;
  ASSERT_EQ(block.input[15], 1);  // the revocation threshold
  block.input[15] = 2;
  tke::AdminRequest request = *read.request;
  request.block = tke::encode(block);
  const auto frame = tke::parse_request(entries_[at].request).value();
  const auto with = [&](const tke::AdminRequest& other) {
    Entries changed = entries_;
    changed[at].request =
        tke::format_request({frame.module_index, frame.domain_index, tke::encode(other)});
    chain(changed);
    return check(changed);
  };
  EXPECT_TRUE(names(with(request), at + 1)) << "signatures over other bytes";
  request.signer_infos.clear();
  EXPECT_TRUE(names(with(request), at + 1)) << "nobody signed";
  request.signer_infos = tke::sign_block(request.block, strangers_.all()).value();
  EXPECT_TRUE(names(with(request), at + 1)) << "a stranger signed";
  request.signer_infos = tke::sign_block(request.block, administrators_.some({0})).value();
  EXPECT_TRUE(names(with(request), at + 1)) << "too few signed";
}

// In imprint mode nobody signs: only the units can tell who their administrators are.
TEST_F(TranscriptCheckTest, OtherAdministratorsThanTheUnitsHaveAreFound) {
  const std::size_t at = index_of(tke::kAddAdministrator, 0);
  const tke::ReadEntry read = tke::read_entry(entries_[at]);
  tke::AdminBlock block = *read.block;
  block.input = strangers_.certificates[0];
  tke::AdminRequest request = *read.request;
  request.block = tke::encode(block);
  const auto frame = tke::parse_request(entries_[at].request).value();
  Entries changed(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(at + 2));
  changed[at].request =
      tke::format_request({frame.module_index, frame.domain_index, tke::encode(request)});
  chain(changed);
  EXPECT_TRUE(check(changed, whole(changed), {}).ok()) << "the root alone cannot tell";
  changed = entries_;
  changed[at].request =
      tke::format_request({frame.module_index, frame.domain_index, tke::encode(request)});
  chain(changed);
  EXPECT_FALSE(check(changed).ok());
}

TEST_F(TranscriptCheckTest, ACommandWithoutAnAnswerIsTold) {
  // It was carried out: the unit's counter says so, and the next entries hold.
  const std::size_t at = index_of(tke::kCommitPending);
  Entries changed = entries_;
  changed[at].response.clear();
  chain(changed);
  TranscriptReport report = check(changed);
  EXPECT_TRUE(report.ok()) << text(report);
  ASSERT_EQ(report.notes.size(), 2U);
  EXPECT_EQ(report.notes[0].sequence, at + 1);
  EXPECT_NE(report.notes[1].what.find("entry " + std::to_string(at + 1)), std::string::npos);
  // The last one of a unit: the unit itself is asked.
  changed = entries_;
  changed.back().response.clear();
  chain(changed);
  report = check(changed);
  EXPECT_TRUE(report.ok()) << text(report);
  // It was not: nothing is missing.
  changed = entries_;
  changed.push_back(entries_.back());
  tke::AdminBlock next = *tke::read_entry(entries_.back()).block;
  next.counter = tke::next_counter(next.counter);
  const auto frame = tke::parse_request(entries_.back().request).value();
  const tke::AdminRequest request{next.domain_index, tke::encode(next), {}};
  changed.back().request =
      tke::format_request({frame.module_index, frame.domain_index, tke::encode(request)});
  changed.back().response.clear();
  chain(changed);
  report = check(changed);
  EXPECT_TRUE(report.ok()) << text(report);
  EXPECT_EQ(report.notes.size(), 1U);
  // It stands for no more than one command.
  changed = entries_;
  changed[at].response.clear();
  changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at + 1));
  chain(changed);
  EXPECT_FALSE(check(changed).ok());
}

TEST_F(TranscriptCheckTest, FramesThatAreNone) {
  for (const std::string response : {"", "garbage", "12;something;"}) {
    Entries changed = entries_;
    changed.back().request = "no frame";
    changed.back().response = response;
    chain(changed);
    EXPECT_TRUE(names(check(changed), changed.size())) << response;
  }
}

TEST_F(TranscriptCheckTest, AnotherRootIsNotTheirs) {
  const auto root = tke::AttestationRoot::of(crypto::P521PrivateKey::generate().public_key());
  tke::TranscriptCheck checker(instance_.uuid, root, whole(entries_), {});
  for (const TranscriptEntry& entry : entries_) checker.add(entry);
  const TranscriptReport report = checker.finish();
  EXPECT_TRUE(names(report, 1));
  // Nor is another instance's chain.
  tke::TranscriptCheck other(test_instance(9).uuid, deployment_.root(), whole(entries_), {});
  EXPECT_FALSE(other.add(entries_.front()).empty());
}

}  // namespace
}  // namespace keyhaven::unit
