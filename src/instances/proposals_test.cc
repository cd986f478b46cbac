#include "instances/proposals.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "instances/memory_instance_store.h"
#include "instances/memory_tke_store.h"
#include "tke/codes.h"
#include "tke/frame.h"
#include "tke/oa_certificate.h"
#include "tke/unit_session.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::instances {
namespace {

using tke::AdminBlock;

class ProposalsTest : public testing::Test {
 protected:
  void SetUp() override {
    InstanceOptions options;
    options.account = "0123456789abcdef0123456789abcdef";
    service_ = InstanceService::load(
                   options, instance_store_, unit_,
                   [](const InstanceId&) { return std::size_t{0}; }, clock_)
                   .value();
    InstanceSpec spec;
    spec.name = "one";
    instance_ = service_->create(spec, by("admin")).value()->id;
    status_ = service_->units_of(instance_).value()[0];
    auto with = session();
    unit::TestDeployment::enroll(with, administrators_).value();
    proposals_.emplace(Proposals::Parts{*service_, store_, clock_});
    transcript_.emplace(Transcript::Parts{*service_, store_, clock_});
  }

  static audit::Event by(std::string who) {
    audit::Event event;
    event.initiator_id = std::move(who);
    return event;
  }
  tke::AttestationRoot root() {
    return tke::AttestationRoot::of(
        crypto::P521PublicKey::from_spki(service_->attestation_root().value()).value());
  }
  tke::UnitSession session() {
    const auto transport = [this](const std::string& frame) {
      return service_->administer(instance_, status_.id, frame);
    };
    return tke::UnitSession::open(transport, unit::TestDeployment::target(status_), root()).value();
  }
  UnitMoment moment() { return UnitInquiry(*service_, instance_).moment(status_).value(); }

  // A block for the unit as it is now; `ahead` commands come before it.
  AdminBlock block_of(std::uint32_t command, Bytes input = {}, unsigned ahead = 0) {
    UnitMoment now = moment();
    AdminBlock block;
    block.command = command;
    block.domain_index = status_.domain_index;
    block.domain_instance = now.domain_instance;
    block.module_id = now.module_id;
    block.counter = now.counter;
    for (unsigned i = 0; i <= ahead; ++i) {
      for (auto byte = block.counter.rbegin(); byte != block.counter.rend(); ++byte) {
        if (++*byte != 0) break;
      }
    }
    block.input = std::move(input);
    return block;
  }
  AdminBlock thresholds(std::uint32_t signature, unsigned ahead = 0) {
    tke::DomainAttributes attributes = moment().attributes;
    attributes.signature_threshold = signature;
    return block_of(tke::kSetAttributes, tke::encode_for_set(attributes), ahead);
  }
  Result<ProposalView> propose(const AdminBlock& block, std::string note = {}) {
    return proposals_->create(instance_, {status_.id, tke::encode(block), std::move(note)},
                              by("maker"));
  }
  Result<ProposalView> sign(const ProposalId& id, const AdminBlock& block,
                            const tke::Signer* signer) {
    return proposals_->sign(instance_, id, tke::sign_block(tke::encode(block), {signer}).value(),
                            by("somebody"));
  }
  // Proposed and signed by both.
  ProposalId signed_by_both(const AdminBlock& block) {
    const ProposalId id = propose(block).value().proposal.id;
    for (const tke::Signer* signer : administrators_.all()) sign(id, block, signer).value();
    return id;
  }
  Result<std::string> to_unit(const UnitId& unit, const std::string& frame) {
    ++passed_;
    return service_->administer(instance_, unit, frame);
  }
  Result<SentProposal> send(const ProposalId& id) {
    return proposals_->send(instance_, id, "sender", [this](const UnitId& u, const std::string& f) {
      return to_unit(u, f);
    });
  }
  ProposalView find(const ProposalId& id) { return proposals_->find(instance_, id).value(); }
  template <class T>
  static Reason reason_of(const Result<T>& result) {
    return result ? Reason::Internal : result.error().reason;
  }
  template <class T>
  static std::string message_of(const Result<T>& result) {
    return result ? "no error" : result.error().message;
  }
  std::vector<std::string> own_events() const {
    std::vector<std::string> out;
    for (const audit::Event& event : store_.events()) {
      if (event.initiator_id == "keyhaven") out.push_back(event.action);
    }
    return out;
  }

  ManualClock clock_{Timestamp::from_seconds(1'800'000'000)};
  unit::NullSink sink_;
  std::unique_ptr<unit::DomainTable> table_ = unit::DomainTable::create(sink_).value();
  unit::SoftUnit unit_{*table_, clock_};
  MemoryInstanceStore instance_store_;
  MemoryTkeStore store_;
  unit::Administrators administrators_{2};
  unit::Administrators strangers_{1};
  std::unique_ptr<InstanceService> service_;
  InstanceId instance_;
  unit::UnitStatus status_;
  std::optional<Proposals> proposals_;
  std::optional<Transcript> transcript_;
  std::atomic<int> passed_ = 0;
};

TEST_F(ProposalsTest, TwoSignInTurnAndItIsSentOnce) {
  const AdminBlock block = thresholds(1);
  const ProposalView made = propose(block, "one is enough").value();
  EXPECT_EQ(made.signatures_needed, 2U);
  EXPECT_EQ(made.commands_before, 0U);
  EXPECT_EQ(made.proposal.created_by, "maker");
  EXPECT_EQ(made.proposal.block, tke::encode(block));
  const ProposalId id = made.proposal.id;
  EXPECT_EQ(reason_of(send(id)), Reason::ProposalState);
  for (const tke::Signer* signer : administrators_.all()) {
    ASSERT_TRUE(sign(id, block, signer));
  }
  EXPECT_EQ(find(id).proposal.signatures[1].signer_name, "Administrator 1");
  EXPECT_EQ(moment().attributes.signature_threshold, 2U);

  const auto sent = send(id);
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_TRUE(sent->recorded);
  EXPECT_EQ(sent->proposal.state, ProposalState::Sent);
  EXPECT_EQ(sent->proposal.sent_by, "sender");
  EXPECT_EQ(moment().attributes.signature_threshold, 1U);
  EXPECT_EQ(find(id).proposal.response, sent->answer);
  EXPECT_EQ(reason_of(send(id)), Reason::ProposalState);
  EXPECT_EQ(passed_, 1);
}

TEST_F(ProposalsTest, BlocksThatAreNoneForTheUnitAreRefused) {
  const auto with = [&](auto edit) {
    AdminBlock block = thresholds(1);
    edit(block);
    return tke::encode(block);
  };
  Bytes cut = with([](AdminBlock&) {});
  cut.pop_back();
  const std::pair<const char*, Bytes> cases[] = {
      {"empty", {}},
      {"cut", cut},
      {"query", with([](AdminBlock& b) { b.command = tke::kQueryAttributes; })},
      {"import", with([](AdminBlock& b) { b.command = tke::kImportKeyParts; })},
      {"re-encryption", with([](AdminBlock& b) { b.command = tke::kReencryptBlob; })},
      {"unknown command", with([](AdminBlock& b) { b.command = 0x55; })},
      {"domain", with([](AdminBlock& b) { ++b.domain_index; })},
      {"module", with([](AdminBlock& b) { b.module_id[0] ^= 1; })},
      {"no module", with([](AdminBlock& b) { b.module_id.clear(); })},
      {"no counter", with([](AdminBlock& b) { b.counter.clear(); })},
      {"large", with([](AdminBlock& b) { b.input.resize(kMaxProposalBlockBytes); })},
  };
  for (const auto& [name, block] : cases) {
    EXPECT_EQ(reason_of(proposals_->create(instance_, {status_.id, block, {}}, by("x"))),
              Reason::InvalidField)
        << name;
  }
  const std::pair<const char*, AdminBlock> passed[] = {
      {"used counter",
       [&] {
         AdminBlock b = thresholds(1);
         b.counter = moment().counter;
         return b;
       }()},
      {"other instance",
       [&] {
         AdminBlock b = thresholds(1);
         ++b.domain_instance;
         return b;
       }()},
      {"far ahead", thresholds(1, kMaxCommandsAhead + 1)},
  };
  for (const auto& [name, block] : passed)
    EXPECT_EQ(reason_of(propose(block)), Reason::ProposalState) << name;
  EXPECT_EQ(reason_of(propose(thresholds(1), std::string(241, 'a'))), Reason::InvalidField);
  EXPECT_EQ(reason_of(propose(thresholds(1), "two\nlines")), Reason::InvalidField);
  EXPECT_EQ(reason_of(proposals_->create(instance_, {{}, tke::encode(thresholds(1)), {}}, by("x"))),
            Reason::UnitNotFound);
  EXPECT_TRUE(proposals_->list(instance_)->empty());
  EXPECT_TRUE(store_.events().empty());
}

TEST_F(ProposalsTest, OnlySignaturesOfAdministratorsOverThisBlockCount) {
  const AdminBlock block = thresholds(1);
  const AdminBlock other = thresholds(2);
  const ProposalId id = propose(block).value().proposal.id;
  const tke::Signer* first = administrators_.owned[0].get();
  const Bytes both = tke::sign_block(tke::encode(block), administrators_.all()).value();
  const auto add = [&](ByteView info) {
    return reason_of(proposals_->sign(instance_, id, info, by("x")));
  };
  EXPECT_EQ(reason_of(sign(id, block, strangers_.owned[0].get())), Reason::InvalidField);
  EXPECT_EQ(reason_of(sign(id, other, first)), Reason::InvalidField);
  EXPECT_EQ(add(both), Reason::InvalidField);
  EXPECT_EQ(add(ByteView(both).first(20)), Reason::InvalidField);
  EXPECT_EQ(add({}), Reason::InvalidField);
  EXPECT_TRUE(find(id).proposal.signatures.empty());
  ASSERT_TRUE(sign(id, block, first));
  EXPECT_EQ(reason_of(sign(id, block, first)), Reason::AlreadyExists);
  EXPECT_EQ(find(id).proposal.signatures.size(), 1U);
  EXPECT_EQ(reason_of(proposals_->sign(instance_, {}, both, by("x"))), Reason::ProposalNotFound);
  InstanceId elsewhere;
  EXPECT_EQ(reason_of(proposals_->find(elsewhere, id)), Reason::ProposalNotFound);
}

TEST_F(ProposalsTest, AnotherCommandMakesItLapse) {
  const AdminBlock block = thresholds(1);
  const ProposalId id = signed_by_both(block);
  session().generate_importer(administrators_.some({0})).value();
  EXPECT_EQ(reason_of(send(id)), Reason::ProposalState);
  EXPECT_EQ(passed_, 0);
  EXPECT_EQ(find(id).proposal.state, ProposalState::Lapsed);
  EXPECT_EQ(own_events(), std::vector<std::string>{"hs-crypto.tke-proposal.lapse"});
  const ProposalId next = propose(thresholds(1)).value().proposal.id;
  session().zeroize(administrators_.all()).value();
  EXPECT_EQ(proposals_->list(instance_)->front().proposal.id, next);
  EXPECT_EQ(proposals_->list(instance_)->front().proposal.state, ProposalState::Lapsed);
  EXPECT_EQ(reason_of(sign(next, block, administrators_.owned[0].get())), Reason::ProposalState);
  EXPECT_TRUE(proposals_->remove(instance_, next, by("x")));
  EXPECT_EQ(reason_of(proposals_->find(instance_, next)), Reason::ProposalNotFound);
}

TEST_F(ProposalsTest, ASeriesIsSignedAtOnceAndSentInOrder) {
  const AdminBlock first = thresholds(1);
  Bytes importer_type(4);
  importer_type[3] = tke::kImporterP521;
  const AdminBlock second = block_of(tke::kGenerateImporter, importer_type, 1);
  const ProposalId later = signed_by_both(second);
  const ProposalId sooner = signed_by_both(first);
  EXPECT_EQ(find(later).commands_before, 1U);
  EXPECT_EQ(reason_of(send(later)), Reason::ProposalState);
  EXPECT_NE(message_of(send(later)).find("1 must come before"), std::string::npos);
  ASSERT_TRUE(send(sooner));
  const auto sent = send(later);
  ASSERT_TRUE(sent) << message_of(sent);
}

TEST_F(ProposalsTest, OfManySendersExactlyOnePassesTheFrame) {
  for (int round = 0; round < 5; ++round) {
    const ProposalId id = signed_by_both(thresholds(2));
    passed_ = 0;
    std::atomic<int> sent = 0;
    std::atomic<int> refused = 0;
    std::vector<std::thread> senders;
    for (int i = 0; i < 6; ++i) {
      senders.emplace_back([&] {
        const auto result = send(id);
        if (result) ++sent;
        if (reason_of(result) == Reason::ProposalState) ++refused;
      });
    }
    for (std::thread& each : senders) each.join();
    EXPECT_EQ(passed_, 1);
    EXPECT_EQ(sent, 1);
    EXPECT_EQ(refused, 5);
  }
}

TEST_F(ProposalsTest, WhatIsBeingSentIsLeftAlone) {
  const ProposalId id = signed_by_both(thresholds(1));
  const auto pass = [&](const UnitId& unit, const std::string& frame) -> Result<std::string> {
    auto answer = to_unit(unit, frame);
    // The unit has acted, the proposal is not marked yet.
    EXPECT_EQ(find(id).proposal.state, ProposalState::Sending);
    EXPECT_EQ(reason_of(send(id)), Reason::ProposalState);
    EXPECT_EQ(reason_of(proposals_->remove(instance_, id, by("x"))), Reason::ProposalState);
    return answer;
  };
  ASSERT_TRUE(proposals_->send(instance_, id, "sender", pass));
  EXPECT_EQ(passed_, 1);
}

// A crash between the commit and the mark leaves Sending; the unit's counter tells the rest.
TEST_F(ProposalsTest, ALostAnswerIsResolvedByTheUnitsCounter) {
  const Error lost{Reason::UnitUnavailable, "no answer", {}};
  const ProposalId open_again = signed_by_both(thresholds(1));
  const auto vanish = [&](const UnitId&, const std::string&) -> Result<std::string> {
    return lost;
  };
  EXPECT_EQ(reason_of(proposals_->send(instance_, open_again, "sender", vanish)),
            Reason::UnitUnavailable);
  EXPECT_EQ(store_.find_proposal(instance_, open_again).value()->state, ProposalState::Sending);
  // As a process that starts anew finds it.
  proposals_.emplace(Proposals::Parts{*service_, store_, clock_});
  EXPECT_EQ(find(open_again).proposal.state, ProposalState::Open);

  const auto act_and_vanish = [&](const UnitId& u, const std::string& f) -> Result<std::string> {
    to_unit(u, f).value();
    return lost;
  };
  EXPECT_EQ(reason_of(proposals_->send(instance_, open_again, "sender", act_and_vanish)),
            Reason::UnitUnavailable);
  proposals_.emplace(Proposals::Parts{*service_, store_, clock_});
  EXPECT_EQ(reason_of(send(open_again)), Reason::ProposalState);
  const Proposal ended = find(open_again).proposal;
  EXPECT_EQ(ended.state, ProposalState::Sent);
  EXPECT_TRUE(ended.response.empty());
  EXPECT_NE(ended.cause.find("lost"), std::string::npos);
  EXPECT_EQ(own_events(), std::vector<std::string>(2, "hs-crypto.tke-proposal.resolve"));
  EXPECT_EQ(moment().attributes.signature_threshold, 1U);
}

TEST_F(ProposalsTest, AFrameThatDidNotLeaveLeavesItOpen) {
  const ProposalId id = signed_by_both(thresholds(1));
  const auto refuse = [](const UnitId&, const std::string&) -> Result<std::string> {
    return Error{Reason::MasterKeyStillNeeded, "not now", {}};
  };
  EXPECT_EQ(reason_of(proposals_->send(instance_, id, "sender", refuse)),
            Reason::MasterKeyStillNeeded);
  EXPECT_EQ(find(id).proposal.state, ProposalState::Open);
  EXPECT_TRUE(send(id));
}

TEST_F(ProposalsTest, AStoreThatFailsAfterTheUnitActedIsToldAndMadeGood) {
  const ProposalId id = signed_by_both(thresholds(1));
  const auto pass = [&](const UnitId& unit, const std::string& frame) -> Result<std::string> {
    store_.fail_with(Error{Reason::StoreUnavailable, "the disk is full", {}});
    return to_unit(unit, frame);
  };
  const auto sent = proposals_->send(instance_, id, "sender", pass);
  ASSERT_TRUE(sent);
  EXPECT_FALSE(sent->recorded);
  EXPECT_FALSE(sent->answer.empty());
  store_.fail_with({});
  EXPECT_EQ(find(id).proposal.state, ProposalState::Sent);

  const ProposalId next = signed_by_both(thresholds(2));
  store_.fail_with(Error{Reason::StoreUnavailable, "the disk is full", {}});
  passed_ = 0;
  EXPECT_EQ(reason_of(send(next)), Reason::StoreUnavailable);
  EXPECT_EQ(passed_, 0);
}

TEST_F(ProposalsTest, AHundredAreOpenAndEndedOnesGoAfterAMonth) {
  Bytes input(4);
  std::vector<ProposalId> ids;
  for (std::size_t i = 0; i < kMaxOpenProposals; ++i) {
    input[2] = static_cast<std::uint8_t>(i);
    ids.push_back(propose(block_of(tke::kGenerateImporter, input)).value().proposal.id);
  }
  EXPECT_EQ(reason_of(propose(block_of(tke::kGenerateImporter, input))), Reason::AlreadyExists);
  input[3] = 9;
  EXPECT_EQ(reason_of(propose(block_of(tke::kGenerateImporter, input))), Reason::Conflict);
  // All lapse by one command; then there is room, and they are still to be seen.
  session().generate_importer(administrators_.some({0})).value();
  ASSERT_TRUE(propose(block_of(tke::kGenerateImporter, input)));
  EXPECT_EQ(proposals_->list(instance_)->size(), kMaxOpenProposals + 1);
  clock_.advance_seconds(kEndedProposalSeconds + 1);
  ASSERT_TRUE(propose(thresholds(1)));
  EXPECT_EQ(proposals_->list(instance_)->size(), 2U);
}

TEST_F(ProposalsTest, NeededSignaturesAreThoseOfTheUnit) {
  tke::DomainAttributes attributes;
  attributes.signature_threshold = 3;
  attributes.revocation_threshold = 2;
  attributes.permissions = 0;
  const std::pair<std::uint32_t, std::size_t> cases[] = {
      {tke::kAddAdministrator, 3},     {tke::kRemoveAdministrator, 2},
      {tke::kReplaceAdministrator, 3}, {tke::kSetAttributes, 3},
      {tke::kGenerateImporter, 1},     {tke::kCommitPending, 3},
      {tke::kFinalizePending, 1},      {tke::kZeroize, 3},
      {tke::kClearPending, 1},         {tke::kExportCurrentKey, 3},
      {tke::kSetControlPoints, 3}};
  for (const auto& [command, needed] : cases) {
    AdminBlock block;
    block.command = command;
    EXPECT_EQ(signatures_needed(block, attributes), needed) << tke::name_of_command(command);
  }
  AdminBlock block;
  block.command = tke::kZeroize;
  attributes.permissions = tke::permission::kZeroizeWithOne;
  EXPECT_EQ(signatures_needed(block, attributes), 1U);
  attributes.signature_threshold = 0;
  EXPECT_EQ(signatures_needed(block, attributes), 0U);
}

TEST_F(ProposalsTest, StoredRecordsRoundTripAndRefuseEveryCut) {
  const ProposalId id = signed_by_both(thresholds(1));
  const Bytes bytes = encode(find(id).proposal);
  EXPECT_EQ(encode(decode_proposal(bytes).value()), bytes);
  TranscriptEntry entry;
  entry.request = "q";
  entry.certificates = {Bytes(3, 1)};
  const Bytes entry_bytes = encode(entry);
  EXPECT_EQ(decode_transcript_entry(entry_bytes).value(), entry);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_proposal(ByteView(bytes).first(size)));
  for (std::size_t size = 0; size < entry_bytes.size(); ++size)
    EXPECT_FALSE(decode_transcript_entry(ByteView(entry_bytes).first(size)));
}

// --- Transcript ---

TEST_F(ProposalsTest, AnEntryVerifiesWithNothingButTheAttestationRoot) {
  const ProposalId id = signed_by_both(thresholds(1));
  const std::string frame = frame_of(find(id).proposal);
  const std::string answer = send(id).value().answer;
  ASSERT_TRUE(transcript_->record(instance_, status_.id, "sender", frame, answer));
  const TranscriptEntry entry = transcript_->read(instance_, 1, 10).value().entries.at(0);
  EXPECT_EQ(entry.request, frame);
  EXPECT_EQ(entry.location, status_.location);
  const auto key = tke::verify_chain(entry.certificates, root());
  ASSERT_TRUE(key) << message_of(key);
  const auto response =
      tke::parse_admin_response(tke::parse_response(entry.response).value().payload).value();
  const auto infos = tke::parse_signer_infos(response.signer_infos).value();
  EXPECT_TRUE(key->verify_sha512_der(response.block, infos.at(0).signature));
}

TEST_F(ProposalsTest, EntriesAreChained) {
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(transcript_->record(instance_, status_.id, "c", "request", ""));
  const TranscriptPage page = transcript_->read(instance_, 2, 10).value();
  EXPECT_EQ(page.first, 1U);
  EXPECT_EQ(page.last, 3U);
  ASSERT_EQ(page.entries.size(), 2U);
  EXPECT_EQ(page.entries[1].previous, hash_of(page.entries[0]));
  EXPECT_NE(page.entries[0].previous, Digest{});
  EXPECT_EQ(reason_of(transcript_->record(instance_, status_.id, "c",
                                          std::string(kMaxTranscriptFrame + 1, 'x'), "")),
            Reason::TooLarge);
}

TEST_F(ProposalsTest, CommandsHaveEntriesAndQueriesNone) {
  const auto covers = [](std::uint32_t command) {
    AdministeredAction asked;
    asked.command = command;
    return Transcript::covers(asked);
  };
  EXPECT_TRUE(covers(tke::kImportKeyParts));
  EXPECT_TRUE(covers(tke::kZeroize));
  EXPECT_FALSE(covers(tke::kQueryAttributes));
  EXPECT_FALSE(covers(tke::kReencryptBlob));
  EXPECT_FALSE(Transcript::covers(AdministeredAction{}));
}

}  // namespace
}  // namespace keyhaven::instances
