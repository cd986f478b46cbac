// The order of requests in which existing clients query, initialise and zeroize the units of an
// instance (instances-tke-iam.md 3.10 and 3.12), against our unit.
#include "unit/existing_client_for_tests.h"

#include <algorithm>

#include "unit/ceremony_for_tests.h"

namespace keyhaven::unit {
namespace {

using existing_client::join;
using existing_client::octets;
using existing_client::tlv;
using existing_client::u32;
using existing_client::u32_at;
using Client = existing_client::Unit;
using Keys = std::vector<const crypto::P521PrivateKey*>;

TEST(ExistingClientTest, ItsFramesAreTheGoldenOnes) {
  EXPECT_EQ(Client::frame(2, 3, Client::query_payload(0x0001000A, 3, 3, {})),
            "181;PCI request;XPNUM   ;2;        ;"
            "0020040000805434000000000000000300000000000000000000000000"
            "00002A3028040400010029040400000003041830160404"
            "0001000A040800000003000000000400040004000400");
  EXPECT_EQ(Client::frame(2, 3, Client::info_payload(3)),
            "149;PCI request;XPNUM   ;2;        ;"
            "0020040000805434000000000000000300000000000000000000000000"
            "00001A3018040400010026040400000003040400000003040400000000");
  EXPECT_EQ(Client::frame(2, 3, Client::query_payload(0x00010003, 3, 0, u32(1))),
            "189;PCI request;XPNUM   ;2;        ;"
            "0020040000805434000000000000000300000000000000000000000000"
            "00002E302C040400010029040400000003041C301A0404000100030408000000000000000004000400"
            "0404000000010400");
}

class SequenceTest : public testing::Test {
 protected:
  SequenceTest() {
    const auto units = deployment_.table().create_units(instance_, "us-south", {2, 2}).value();
    root_ = crypto::P521PublicKey::from_spki(deployment_.table().attestation_root()).value();
    for (const UnitStatus& unit : units) {
      clients_.emplace_back(
          [this, id = unit.id](const std::string& request) {
            return deployment_.table().administer(instance_, id, request).value();
          },
          unit.module_index, unit.domain_index, unit.serial_number);
      is_recovery_.push_back(unit.type == UnitType::Recovery);
    }
  }

  // What every function begins with.
  void query() {
    for (Client& unit : clients_) unit.verify_chain(root_);
    for (Client& unit : clients_) {
      const Bytes attributes = unit.query(0x0001000A).output;
      ASSERT_EQ(attributes.size() % 8, 0u);
      const Bytes skis = unit.query(0x00010002).output;
      ASSERT_EQ(skis.size() % 32, 0u);
      for (std::size_t at = 0; at < skis.size(); at += 32) {
        const Bytes certificate =
            unit.query(0x00010002, existing_client::part_of(skis, at, 32)).output;
        EXPECT_TRUE(std::count(certificates_.begin(), certificates_.end(), certificate));
      }
      unit.domain_info();
    }
  }

  static void succeeds(const existing_client::Answer& answer) {
    EXPECT_EQ(answer.return_code, 0u);
    EXPECT_EQ(answer.reason_code, 0u);
  }

  // Read, modify, write: thresholds and permissions of the unit's type.
  void set_attributes(Client& unit, bool recovery, std::uint32_t signature,
                      std::uint32_t revocation, const Keys& signers) {
    const Bytes now = unit.query(0x0001000A).output;
    std::map<std::uint32_t, std::uint32_t> values;
    for (std::size_t at = 0; at < now.size(); at += 8)
      values[u32_at(now, at)] = u32_at(now, at + 4);
    std::uint32_t& permissions = values[3];
    permissions |= 0x40 | 0x1 | 0x4;
    if (recovery) {
      permissions |= 0x8 | 0x2 | 0x2000;
      permissions &= ~0x80000000u;
    } else {
      permissions &= ~0x2u;
      if ((permissions & 0x80000000u) != 0) {
        permissions = (permissions | 0x2000) & ~0x80000000u;
      }
    }
    values[1] = signature;
    values[2] = revocation;
    Bytes input;
    for (const std::uint32_t index : {1u, 2u, 3u, 4u}) {
      append(input, join({u32(index), u32(values[index])}));
    }
    succeeds(unit.command(0x08, input, signers));
  }

  void initialise() {
    for (Client& unit : clients_) succeeds(unit.command(0x10, {}, {}));
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      for (const Bytes& certificate : certificates_) {
        succeeds(clients_[i].command(0x02, certificate, {}));
      }
      set_attributes(clients_[i], is_recovery_[i], 2, 1, {&alice_, &bob_});
    }
    Client& source = clients_[2];
    const Bytes pattern = source.command(0x0A, {}, {&alice_}).output;
    ASSERT_EQ(pattern.size(), 32u);
    for (Client& unit : clients_) {
      if (&unit != &source) copy_key(source, unit, pattern);
    }
  }

  void copy_key(Client& source, Client& target, const Bytes& pattern) {
    const Bytes spki = target.command(0x09, u32(3), {&alice_}).output;
    const auto parts = existing_client::elements(existing_client::elements(spki).at(0).content);
    ASSERT_EQ(parts.at(1).content.size(), 134u);
    const Bytes point(parts[1].content.begin() + 1, parts[1].content.end());
    const Bytes answer = source.command(0x0B, export_input(point), {&alice_, &bob_}).output;
    Bytes recipient_info;
    for (const Bytes& entry : existing_client::fields(answer)) {
      if (existing_client::part_of(entry, 0, 6) == join({{0x00, 0x19}, u32(0)})) {
        recipient_info.assign(entry.begin() + 6, entry.end());
      }
    }
    ASSERT_EQ(recipient_info.size(), 313u);
    EXPECT_EQ(recipient_info[29], 0x04);
    const Digest ski = crypto::sha256(ByteView(point).subspan(1));
    EXPECT_TRUE(std::equal(ski.begin(), ski.end(), recipient_info.begin() + 239));
    succeeds(target.import(recipient_info, alice_));
    for (const std::uint32_t command : {0x0Du, 0x0Eu}) {
      const auto info = target.domain_info();
      EXPECT_EQ(info.pending, pattern);
      EXPECT_EQ(info.flags & 0x0Cu, command == 0x0D ? 0x04u : 0x0Cu);
      succeeds(target.command(command, info.pending,
                              command == 0x0D ? Keys{&alice_, &bob_} : Keys{&alice_}));
    }
    const auto info = target.domain_info();
    EXPECT_EQ(info.current, pattern);
    EXPECT_EQ(info.flags & 0x0Eu, 0x02u);
  }

  // The three entries, each unit asked in another order.
  Bytes export_input(const Bytes& point) {
    Bytes holder(309, 0);
    holder[36] = 'K';
    holder[37] = holder[38] = 1;
    holder[41] = 0x85;
    holder[42] = 0x02;
    holder[43] = 0x09;
    std::copy(point.begin(), point.end(), holder.begin() + 44);
    std::vector<Bytes> entries = {octets(join({{0x00, 0x1C}, u32(1)})),
                                  octets(join({{0x00, 0x1D}, u32(0), holder})),
                                  octets(join({{0x00, 0x1F}, u32(0x0C)}))};
    std::rotate(entries.begin(), entries.begin() + exports_++ % 3, entries.end());
    return tlv(0x30, join({entries[0], entries[1], entries[2]}));
  }

  int posts() const {
    int out = 0;
    for (const Client& unit : clients_) out += unit.posts();
    return out;
  }

  InstanceId instance_ = test_instance(1);
  TestDeployment deployment_;
  crypto::P521PublicKey root_;
  crypto::P521PrivateKey alice_ = crypto::P521PrivateKey::generate();
  crypto::P521PrivateKey bob_ = crypto::P521PrivateKey::generate();
  std::vector<Bytes> certificates_ = {existing_client::certificate("Alice", alice_),
                                      existing_client::certificate("Bob", bob_)};
  std::vector<Client> clients_;
  std::vector<bool> is_recovery_;
  int exports_ = 0;
};

TEST_F(SequenceTest, QueryInitialiseQueryZeroize) {
  query();
  query();  // before a change it looks again
  const int before = posts();
  for (Client& unit : clients_) unit.verify_chain(root_);
  initialise();
  const int needed = posts() - before;
  EXPECT_GE(needed, 80);
  EXPECT_LE(needed, 100);

  // Signatures per command, as observed with an existing client.
  using Sent = Client::Sent;
  const std::vector<Sent> configured = {{0x10, 0}, {0x02, 0}, {0x02, 0}, {0x08, 2}};
  const std::vector<Sent> received = {{0x09, 1}, {0x0C, 0}, {0x0D, 2}, {0x0E, 1}};
  const std::vector<Sent> gave = {{0x0A, 1}, {0x0B, 2}, {0x0B, 2}, {0x0B, 2}};
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    std::vector<Sent> expected = configured;
    const auto& rest = i == 2 ? gave : received;
    expected.insert(expected.end(), rest.begin(), rest.end());
    EXPECT_EQ(clients_[i].sent(), expected) << i;
    const Bytes attributes = clients_[i].query(0x0001000A).output;
    EXPECT_EQ(u32_at(attributes, 4), 2u);
    EXPECT_EQ(u32_at(attributes, 12), 1u);
    EXPECT_EQ(u32_at(attributes, 20), is_recovery_[i] ? 0x0FFF205Fu : 0x0FFF2055u);
  }
  query();
  const auto listed = deployment_.table().list_units(instance_).value();
  for (const UnitStatus& unit : listed) {
    EXPECT_EQ(unit.current, RegisterState::Valid);
    EXPECT_EQ(unit.current_pattern, listed[0].current_pattern);
  }
  SoftUnit unit = deployment_.make_unit();
  EXPECT_TRUE(unit.generate_root_key(test_binding(instance_)).has_value());

  for (Client& each : clients_) succeeds(each.command(0x10, {}, {&bob_}));  // permission 40
  query();
  const auto zeroized = deployment_.table().list_units(instance_).value();
  for (const UnitStatus& each : zeroized) {
    EXPECT_TRUE(each.imprint);
    EXPECT_EQ(each.current, RegisterState::Empty);
  }
  initialise();  // and once more, after the zeroize
}

TEST_F(SequenceTest, AClientThatForgetsTheUnitsTypeIsRefused) {
  clients_[0].verify_chain(root_);
  for (const Bytes& certificate : certificates_) {
    succeeds(clients_[0].command(0x02, certificate, {}));
  }
  const Bytes input =
      join({u32(1), u32(2), u32(2), u32(1), u32(3), u32(0x0FFF205F), u32(4), u32(0)});
  const auto refused = clients_[0].command(0x08, input, {&alice_, &bob_});
  EXPECT_EQ(refused.return_code, 80u);
  EXPECT_EQ(refused.reason_code, 131u);
  set_attributes(clients_[0], false, 2, 1, {&alice_, &bob_});
}

}  // namespace
}  // namespace keyhaven::unit
