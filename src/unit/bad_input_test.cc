// Wrong input to a crypto unit, generated: every field of every command truncated, lengthened,
// flipped, replayed, signed by the wrong people, for the wrong unit, instance or counter, with DER
// that is a trap. Each answer must be well formed, and nothing may change.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <iostream>
#include <thread>

#include "tke/der.h"
#include "tke/frame.h"
#include "tke/key_export.h"
#include "unit/ceremony_for_tests.h"
#include "unit/command_processor.h"
#include "unit/table_state.h"

namespace keyhaven::unit {
namespace {

namespace der = tke::der;

// A command as it would be sent, before it is spoilt.
struct Sample {
  const char* name;
  std::uint32_t command;
  Bytes input;
};

// One recovery unit, which knows every command, with administrators, a current and a committed new
// key and an importer key.
class BadInputTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    shared_ = std::make_unique<Shared>();
    auto& deployment = shared_->deployment;
    deployment.table().create_units(test_instance(1), "local", {1, 1}).value();
    const auto listed = deployment.table().list_units(test_instance(1)).value();
    auto with = deployment.session(test_instance(1), listed[1]);
    for (const Bytes& certificate : shared_->administrators.certificates) {
      with.add_administrator(certificate, {}).value();
    }
    with.configure(tke::UnitRole::Recovery, 2, 2, shared_->administrators.all()).value();
    with.create_random(shared_->administrators.some({0})).value();
    shared_->pending = with.create_random(shared_->administrators.some({0})).value();
    shared_->importer = with.generate_importer(shared_->administrators.some({0})).value();
    shared_->serialized = deployment.table().serialize();
    const auto parse = [&] {
      return std::make_unique<TableState>(
          parse_state(shared_->serialized.expose(), *backend_for_tests()).value());
    };
    shared_->state = parse();
    shared_->scratch = parse();
  }
  static void TearDownTestSuite() {
    shared_.reset();
    const auto* suite = testing::UnitTest::GetInstance()->current_test_suite();
    if (suite->test_to_run_count() != suite->total_test_count()) return;
    std::cout << cases_ << " cases of bad input\n";
    EXPECT_GE(cases_, 5000);
  }

  const Module& module() const { return shared_->state->modules[domain().module - 1]; }
  static const DomainState& domain() { return shared_->state->instances.begin()->second.units[1]; }
  static tke::Signers quorum() { return shared_->administrators.all(); }

  static std::vector<Sample> samples() {
    const Bytes certificate = shared_->strangers.certificates[0];
    const tke::Ski admin = shared_->administrators.owned[2]->ski();
    Bytes replace(admin.begin(), admin.end());
    append(replace, certificate);
    const Bytes pattern(shared_->pending.begin(), shared_->pending.end());
    const auto mask = tke::control_point_mask(tke::kControlPointBitcoin);
    const Bytes points(mask.begin(), mask.end());
    auto attributes = domain().attributes;
    attributes.revocation_threshold = 1;
    const Bytes export_input = tke::make_export_request(shared_->importer);
    return {{"add administrator", tke::kAddAdministrator, certificate},
            {"remove administrator", tke::kRemoveAdministrator, Bytes(admin.begin(), admin.end())},
            {"replace administrator", tke::kReplaceAdministrator, replace},
            {"set attributes", tke::kSetAttributes, tke::encode_for_set(attributes)},
            {"generate importer", tke::kGenerateImporter, {0, 0, 0, 3}},
            {"export current", tke::kExportCurrentKey, export_input},
            {"export pending", tke::kExportPendingKey, export_input},
            {"commit", tke::kCommitPending, pattern},
            {"zeroize", tke::kZeroize, {}},
            {"enable control points", tke::kEnableControlPoints, points},
            {"clear current", tke::kClearCurrent, {}},
            {"clear pending", tke::kClearPending, {}}};
  }

  static tke::AdminBlock block_of(const Sample& sample) {
    tke::AdminBlock block;
    block.command = sample.command;
    block.domain_index = domain().index;
    block.domain_instance = domain().instance;
    block.module_id = shared_->state->modules[domain().module - 1].id;
    block.counter = Bytes(domain().counter.begin(), domain().counter.end());
    for (std::size_t i = block.counter.size(); i-- > 0 && ++block.counter[i] == 0;) {
    }
    block.input = sample.input;
    return block;
  }
  static Bytes payload_of(const tke::AdminBlock& block, const tke::Signers& signers) {
    const Bytes encoded = tke::encode(block);
    const Bytes signatures = signers.empty() ? Bytes{} : tke::sign_block(encoded, signers).value();
    return tke::encode(tke::AdminRequest{domain().index, encoded, signatures});
  }
  std::string frame_of(const Bytes& payload) const {
    return tke::format_request({module().index, domain().index, payload});
  }

  enum class Effect : std::uint8_t { None, CounterAtMost };

  // Sends and judges one case; the answer's codes. Nothing but the counter may ever change, and
  // that only where the quorum had signed.
  tke::Status refused(const std::string& text, Effect allowed = Effect::None) {
    ++cases_;
    const CommandOutcome outcome = process_command(module(), domain(), 1'000'000, text);
    if (outcome.next) {
      EXPECT_EQ(allowed, Effect::CounterAtMost) << text.substr(0, 200);
      DomainState& unit = shared_->scratch->instances.begin()->second.units[1];
      unit = outcome.next->clone();
      unit.counter = domain().counter;
      EXPECT_TRUE(serialize_state(*shared_->scratch) == shared_->serialized);
      EXPECT_FALSE(outcome.used_fresh_instance);
    }
    return codes_of(outcome.answer);
  }

  // The codes of a well-formed answer, which must be a refusal.
  tke::Status codes_of(const std::string& text) {
    const auto semicolons = std::count(text.begin(), text.end(), ';');
    EXPECT_EQ(semicolons, 2) << text;
    const auto response = tke::parse_response(text);
    if (!response) {  // an error of the frame: its own short form
      EXPECT_NE(response.error().message.find("9-"), std::string::npos) << response.error().message;
      return {9, 0};
    }
    if (const auto info = tke::parse_info_response(response->payload)) {
      return {info->return_code, 0};
    }
    const auto answer = tke::parse_admin_response(response->payload);
    EXPECT_TRUE(answer.has_value());
    if (!answer || answer->return_code != 0) return {answer ? answer->return_code : 0, 0};
    const auto block = tke::parse_admin_response_block(answer->block);
    EXPECT_TRUE(block.has_value());
    const auto infos = tke::parse_signer_infos(answer->signer_infos);
    EXPECT_TRUE(infos.has_value() && infos->size() == 1);
    if (cases_ % 16 == 0 && infos) {  // every one is signed the same way: checking some is enough
      EXPECT_TRUE(
          module().key.public_key().verify_sha512_der(answer->block, infos->front().signature));
    }
    return block ? tke::Status{block->return_code, block->reason_code()} : tke::Status{};
  }
  void expect_refused(const std::string& text, const std::string& what,
                      Effect allowed = Effect::None) {
    EXPECT_FALSE(refused(text, allowed).ok()) << what;
  }

  struct Shared {
    TestDeployment deployment;
    Administrators administrators{3};
    Administrators strangers{2};
    SecretBytes serialized;
    std::unique_ptr<TableState> state;
    std::unique_ptr<TableState> scratch;  // the same, to put next states into
    tke::VerificationPattern pending{};
    crypto::P521PublicKey importer;
  };
  static inline std::unique_ptr<Shared> shared_;
  static inline int cases_ = 0;
};

TEST_F(BadInputTest, TheSamplesAreGood) {
  for (const Sample& sample : samples()) {
    const auto outcome = process_command(module(), domain(), 1'000'000,
                                         frame_of(payload_of(block_of(sample), quorum())));
    EXPECT_TRUE(codes_of(outcome.answer).ok()) << sample.name;
    EXPECT_TRUE(outcome.next.has_value()) << sample.name;
  }
}

TEST_F(BadInputTest, EveryByteOfASignedRequestCounts) {
  for (const Sample& sample : samples()) {
    const Bytes good = payload_of(block_of(sample), quorum());
    const std::size_t step = std::max<std::size_t>(1, good.size() / 110);
    for (std::size_t at = 0; at < good.size(); at += step) {
      Bytes changed = good;
      changed[at] ^= static_cast<std::uint8_t>(1u << at % 8);
      expect_refused(frame_of(changed), sample.name + std::to_string(at));
    }
  }
}

TEST_F(BadInputTest, TruncatedAndLengthenedRequests) {
  for (const Sample& sample : samples()) {
    const Bytes good = payload_of(block_of(sample), quorum());
    const std::size_t step = std::max<std::size_t>(1, good.size() / 100);
    for (std::size_t size = 0; size < good.size(); size += step) {
      expect_refused(frame_of(Bytes(good.begin(), good.begin() + static_cast<long>(size))),
                     sample.name + std::to_string(size));
    }
    for (const std::uint8_t byte : Bytes{0x00, 0x04, 0x30, 0xFF}) {
      Bytes longer = good;
      longer.push_back(byte);
      expect_refused(frame_of(longer), sample.name);
    }
  }
}

// Fields of a block with a new content, signed by the quorum: what a confused client would send.
using Edit = std::function<void(Bytes&)>;
const std::pair<const char*, Edit> kEdits[] = {
    {"empty", [](Bytes& field) { field.clear(); }},
    {"one byte less", [](Bytes& field) { field.pop_back(); }},
    {"one byte less in front", [](Bytes& field) { field.erase(field.begin()); }},
    {"one byte more", [](Bytes& field) { field.push_back(0); }},
    {"first byte", [](Bytes& field) { field.front() ^= 0x80; }},
    {"last byte", [](Bytes& field) { field.back() ^= 0x01; }},
    {"twice", [](Bytes& field) { append(field, Bytes(field)); }},
    {"20,000 bytes", [](Bytes& field) { field.assign(20'000, 0x30); }},
};

TEST_F(BadInputTest, EveryFieldOfABlockSignedByTheQuorum) {
  for (const Sample& sample : samples()) {
    const tke::AdminBlock block = block_of(sample);
    Bytes command = {0, 0, 0, static_cast<std::uint8_t>(block.command)};
    Bytes place;
    for (const std::uint32_t value : {block.domain_index, block.domain_instance}) {
      for (int shift = 24; shift >= 0; shift -= 8) {
        place.push_back(static_cast<std::uint8_t>(value >> shift));
      }
    }
    const std::vector<Bytes> good = {command, place, block.module_id, block.counter, block.input};
    for (std::size_t field = 0; field < good.size() - 1; ++field) {
      for (const auto& [name, edit] : kEdits) {
        if (field == 0 && std::string_view(name) == "last byte") continue;  // a command, and fine
        std::vector<Bytes> changed = good;
        edit(changed[field]);
        Bytes content;
        for (const Bytes& each : changed) append(content, der::octet_string(each));
        const Bytes encoded = der::element(der::kSequence, content);
        const Bytes signatures = tke::sign_block(encoded, quorum()).value();
        const Bytes payload = tke::encode(tke::AdminRequest{domain().index, encoded, signatures});
        // Another command with this input may be one that the signatures are good for.
        const Effect allowed = field == 0 ? Effect::CounterAtMost : Effect::None;
        expect_refused(frame_of(payload),
                       std::string(sample.name) + ", field " + std::to_string(field) + ": " + name,
                       allowed);
      }
    }
  }
}

TEST_F(BadInputTest, InputsThatTheQuorumSignedAreRefusedForWhatTheyAre) {
  for (const Sample& sample : samples()) {
    const bool any_bit_is_valid =
        sample.command == tke::kEnableControlPoints || sample.command == tke::kSetAttributes;
    for (const auto& [name, edit] : kEdits) {
      Sample changed = sample;
      if (sample.input.empty()) {
        changed.input = {0};
      } else {
        edit(changed.input);
      }
      // The last four bytes of a pattern do not count, nor does the last one of a certificate's
      // signature; a control point or an attribute with another bit may be a good one.
      const std::string_view edited = name;
      const bool has_free_end = any_bit_is_valid || sample.command == tke::kCommitPending ||
                                sample.command == tke::kAddAdministrator ||
                                sample.command == tke::kReplaceAdministrator;
      const bool may_be_good =
          (edited == "first byte" && any_bit_is_valid) || (edited == "last byte" && has_free_end);
      if (may_be_good) continue;
      expect_refused(frame_of(payload_of(block_of(changed), quorum())),
                     std::string(sample.name) + ": " + name, Effect::CounterAtMost);
    }
  }
}

TEST_F(BadInputTest, SignedByTheWrongPeople) {
  const auto& administrators = shared_->administrators;
  const auto& strangers = shared_->strangers;
  for (const Sample& sample : samples()) {
    const tke::AdminBlock block = block_of(sample);
    const Bytes encoded = tke::encode(block);
    const auto send = [&](const Bytes& signatures, const char* what) {
      const Bytes payload = tke::encode(tke::AdminRequest{domain().index, encoded, signatures});
      expect_refused(frame_of(payload), std::string(sample.name) + ": " + what);
    };
    const auto signed_by = [&](const tke::Signers& signers) {
      return tke::sign_block(encoded, signers).value();
    };
    send({}, "nobody");
    send(signed_by(strangers.all()), "strangers");
    tke::Signers mixed = administrators.all();
    mixed.push_back(strangers.owned[0].get());
    send(signed_by(mixed), "a stranger among them");
    tke::AdminBlock other = block;
    other.counter.back() ^= 2;
    send(tke::sign_block(tke::encode(other), quorum()).value(), "another block");
    Bytes swapped;
    for (std::size_t i = 0; i < 2; ++i) {
      append(swapped,
             tke::encode(tke::SignerInfo{administrators.owned[i]->ski(),
                                         administrators.owned[1 - i]->sign(encoded).value()}));
    }
    send(swapped, "names swapped");
    Bytes rsa;
    append(rsa, tke::encode(tke::SignerInfo{administrators.owned[0]->ski(), Bytes(256, 0x6B),
                                            tke::SignatureAlgorithm::RsaX931Sha256}));
    send(rsa, "another algorithm");
    Bytes many;
    for (int i = 0; i < 17; ++i) append(many, signed_by(administrators.some({0})));
    send(many, "17 signatures");
    for (const Bytes& signature : {Bytes{}, Bytes{0x30, 0}, Bytes{0x30, 6, 2, 1, 0, 2, 1, 0},
                                   Bytes{0x30, 6, 2, 1, 1, 2, 1, 1}, Bytes(139, 0xFF)}) {
      send(tke::encode(tke::SignerInfo{administrators.owned[0]->ski(), signature}), "no signature");
    }
  }
}

TEST_F(BadInputTest, ReplayedAgainstTheStateAfterwards) {
  for (const Sample& sample : samples()) {
    const std::string frame = frame_of(payload_of(block_of(sample), quorum()));
    const auto first = process_command(module(), domain(), 1'000'000, frame);
    ASSERT_TRUE(first.next.has_value());
    const auto second = process_command(module(), *first.next, 1'000'001, frame);
    EXPECT_FALSE(second.next.has_value()) << sample.name;
    ++cases_;
    EXPECT_FALSE(codes_of(second.answer).ok()) << sample.name;
  }
}

TEST_F(BadInputTest, DerThatIsATrap) {
  Bytes deep;
  for (int i = 0; i < 3000; ++i) {  // from the inside out would be quadratic: lengths by hand
    const std::size_t rest = static_cast<std::size_t>(3000 - i - 1) * 4;
    append(deep, Bytes{0x30, 0x82, static_cast<std::uint8_t>(rest >> 8),
                       static_cast<std::uint8_t>(rest)});
  }
  std::vector<Bytes> traps = {deep,
                              {},
                              {0x30},
                              {0x30, 0x80, 0x00, 0x00},
                              {0x30, 0x81, 0x00},
                              {0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF},
                              {0x30, 0x85, 1, 0, 0, 0, 0},
                              {0x30, 0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF},
                              {0x30, 0xFF},
                              {0x3F, 0x81, 0x81, 0x81, 0x81, 0x00},
                              {0x1F, 0xFF, 0xFF, 0xFF, 0x7F, 0x00},
                              {0x04, 0x82, 0x00, 0x01, 0x00},
                              {0x24, 0x80, 0x04, 0x01, 0x00, 0x00, 0x00},
                              Bytes(20'000, 0x00),
                              Bytes(20'000, 0x30),
                              Bytes(20'000, 0xFF)};
  Bytes many;
  for (int i = 0; i < 5000; ++i) append(many, Bytes{0x04, 0x00});
  traps.push_back(der::element(der::kSequence, many));
  for (const Sample& sample : samples()) {
    const tke::AdminBlock block = block_of(sample);
    const Bytes encoded = tke::encode(block);
    const Bytes signatures = tke::sign_block(encoded, quorum()).value();
    for (std::size_t i = 0; i < traps.size(); ++i) {
      const Bytes& trap = traps[i];
      const std::string what = sample.name + std::string(", trap ") + std::to_string(i);
      expect_refused(frame_of(trap), what);
      expect_refused(frame_of(tke::encode(tke::AdminRequest{domain().index, trap, signatures})),
                     what + " as block");
      expect_refused(frame_of(tke::encode(tke::AdminRequest{domain().index, encoded, trap})),
                     what + " as signatures");
      Sample inside = sample;
      inside.input = trap;
      if (trap.empty() && sample.input.empty()) continue;
      expect_refused(frame_of(payload_of(block_of(inside), quorum())), what + " as input",
                     Effect::CounterAtMost);
    }
  }
}

TEST_F(BadInputTest, EveryCharacterOfAFrameCounts) {
  const std::string good = frame_of(payload_of(block_of(samples()[7]), quorum()));
  for (std::size_t size = 0; size < good.size(); ++size) {
    expect_refused(good.substr(0, size), "first " + std::to_string(size));
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string changed = good;
    changed[at] = changed[at] == '0' ? '1' : '0';
    expect_refused(changed, "character " + std::to_string(at));
  }
  for (std::size_t at = 0; at < good.size(); at += 7) {
    for (const char c : {'\0', ';', 'g', ' ', '\n', static_cast<char>(0xC3)}) {
      std::string changed = good;
      changed.insert(at, 1, c);
      expect_refused(changed, "inserted at " + std::to_string(at));
    }
  }
  for (const std::string& text :
       {std::string(), std::string(";;;;;;"), std::string(70'000, ';'), std::string(70'000, '9'),
        "99999999999999999999" + good.substr(3), good + ";", good + good}) {
    expect_refused(text, text.substr(0, 40));
  }
}

TEST_F(BadInputTest, UnsignedCommandsOfEveryNumber) {
  for (std::uint32_t command = 0; command < 0x40; ++command) {
    for (const std::size_t size : {0u, 1u, 4u, 16u, 32u, 33u, 309u}) {
      Sample sample{"unsigned", command, Bytes(size, static_cast<std::uint8_t>(command))};
      expect_refused(frame_of(payload_of(block_of(sample), {})), std::to_string(command));
    }
  }
  for (std::uint32_t query = 0x00010000; query < 0x00010020; ++query) {
    for (const std::size_t size : {1u, 5u, 31u, 33u, 2000u}) {
      Sample sample{"query", query, Bytes(size, 0xA5)};
      expect_refused(frame_of(payload_of(block_of(sample), {})), std::to_string(query));
    }
  }
}

TEST_F(BadInputTest, ImportsWhoseEnvelopeNobodySigns) {
  // The new register must be empty first.
  const Sample clear{"clear pending", tke::kClearPending, {}};
  const auto cleared = process_command(module(), domain(), 1'000'000,
                                       frame_of(payload_of(block_of(clear), quorum())));
  const DomainState& empty = *cleared.next;
  const auto good_payload = [&](auto edit_inner) {
    tke::AdminBlock envelope = block_of({"import", tke::kImportKeyParts, {}});
    envelope.counter = Bytes(empty.counter.begin(), empty.counter.end());
    ++envelope.counter.back();
    Bytes requests;
    for (const std::size_t who : {0u, 1u}) {
      tke::AdminBlock inner = envelope;
      inner.input = tke::seal_key_part(crypto::random_secret(32), shared_->importer).value();
      edit_inner(inner);
      const Bytes encoded = tke::encode(inner);
      append(requests, tke::encode(tke::AdminRequest{
                           empty.index, encoded,
                           tke::sign_block(encoded, shared_->administrators.some({who})).value()}));
    }
    envelope.input = requests;
    return payload_of(envelope, {});
  };
  const auto answers = [&](const Bytes& payload) {
    ++cases_;
    const auto outcome = process_command(module(), empty, 1'000'000, frame_of(payload));
    if (outcome.next) {
      EXPECT_TRUE(codes_of(outcome.answer).ok() || !outcome.next->pending.full());
    }
    return codes_of(outcome.answer).ok();
  };
  const Bytes good = good_payload([](tke::AdminBlock&) {});
  EXPECT_TRUE(answers(good));
  for (std::size_t at = 0; at < good.size(); at += 3) {
    Bytes changed = good;
    changed[at] ^= static_cast<std::uint8_t>(1u << at % 8);
    EXPECT_FALSE(answers(changed)) << at;
  }
  for (std::size_t size = 0; size < good.size(); size += 5) {
    EXPECT_FALSE(answers(Bytes(good.begin(), good.begin() + static_cast<long>(size)))) << size;
  }
  // Properly signed, and yet for another unit, time, purpose or importer.
  for (const std::function<void(tke::AdminBlock&)>& edit :
       std::initializer_list<std::function<void(tke::AdminBlock&)>>{
           [](tke::AdminBlock& b) { b.command = tke::kCommitPending; },
           [](tke::AdminBlock& b) { ++b.domain_index; },
           [](tke::AdminBlock& b) { ++b.domain_instance; },
           [](tke::AdminBlock& b) { b.module_id[0] ^= 1; },
           [](tke::AdminBlock& b) { ++b.counter.back(); },
           [](tke::AdminBlock& b) { b.input[240] ^= 1; },
           [](tke::AdminBlock& b) { b.input.pop_back(); },
           [](tke::AdminBlock& b) { b.input.clear(); }}) {
    EXPECT_FALSE(answers(good_payload(edit)));
  }
}

TEST(RaceTest, OfTwoAdministratorsAtOnceExactlyOneSucceeds) {
  const InstanceId instance = test_instance(1);
  TestDeployment deployment;
  const Administrators administrators(2);
  const auto unit = deployment.table().create_units(instance, "local", 1).value().front();
  auto with = deployment.session(instance, unit);
  TestDeployment::enroll(with, administrators).value();
  for (int round = 0; round < 10; ++round) {
    // Both saw the same counter; each wants another control point.
    std::vector<std::string> frames;
    for (const unsigned bit : {tke::kControlPointBitcoin, tke::kControlPointEdDsa}) {
      const auto recording = [&](const std::string& request) -> Result<std::string> {
        frames.push_back(request);
        return deployment.table().administer(instance, unit.id, request);
      };
      auto session =
          tke::UnitSession::open(recording, TestDeployment::target(unit), deployment.root())
              .value();
      const MemorySink::Refusing refusing(deployment.sink());  // built, sent, and not accepted
      EXPECT_FALSE(session.enable_control_points(tke::control_point_mask(bit), administrators.all())
                       .has_value());
    }
    std::vector<std::string> commands = {frames[frames.size() / 2 - 1], frames.back()};
    std::atomic<int> ready{0};
    std::atomic<int> succeeded{0};
    std::vector<std::thread> threads;
    for (const std::string& command : commands) {
      threads.emplace_back([&, command] {
        ++ready;
        while (ready < 2) std::this_thread::yield();
        const auto text = deployment.table().administer(instance, unit.id, command).value();
        const auto answer = tke::parse_admin_response(tke::parse_response(text)->payload).value();
        const auto block = tke::parse_admin_response_block(answer.block).value();
        if (block.return_code == 0) {
          ++succeeded;
        } else {
          EXPECT_EQ(block.return_code, tke::kInvalidCounter);
          EXPECT_EQ(block.reason_code(), tke::kCounterValue);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(succeeded, 1);
    const auto points = with.control_points().value();
    EXPECT_NE(tke::has_control_point(points, tke::kControlPointBitcoin),
              tke::has_control_point(points, tke::kControlPointEdDsa));
    with.set_control_points(tke::default_control_points(), administrators.all()).value();
  }
}

}  // namespace
}  // namespace keyhaven::unit
