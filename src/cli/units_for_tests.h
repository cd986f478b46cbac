// Software crypto units of all types in the same process, behind a service that can go silent at
// any request, and that rotates: it seals one key anew, and ends when all units have switched.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/run_for_tests.h"
#include "tke/certificate.h"
#include "unit/soft_unit.h"

namespace keyhaven::cli {

class UnitsForTests {
 public:
  explicit UnitsForTests(unit::UnitCounts counts) {
    auto table = unit::DomainTable::create(sink_);
    EXPECT_TRUE(table);
    table_ = std::move(table).value();
    unit_ = std::make_unique<unit::SoftUnit>(*table_, clock_);
    instance = add_instance(counts);
  }

  std::string add_instance(unit::UnitCounts counts) {
    const InstanceId id{crypto::random_uuid()};
    EXPECT_TRUE(unit_->create_units(id, "eu-test", counts));
    instances_.push_back(id.text());
    return id.text();
  }
  std::vector<unit::UnitStatus> statuses(const std::string& guid) {
    return unit_->list_units(InstanceId::parse(guid).value()).value();
  }

  // --- One key of `instance`, as the server would store it ---
  void store_key() {
    const auto made = unit_->generate_root_key(binding());
    ASSERT_TRUE(made) << made.error().message;
    key_ = made->blob;
    wrapped_ = unit_->wrap(binding(), *key_, SecretBytes::copy_of(std::string_view("a DEK")), {})
                   .value()
                   .wrapped_dek;
  }
  bool key_opens() {
    return static_cast<bool>(unit_->unwrap(binding(), *key_, wrapped_, {}, nullptr));
  }

  // --- Requests: administration frames and calls of the rotation ---
  int requests = 0;
  int silent_at = 0;        // from this request on nobody hears an answer; 0: never
  bool carried_out = true;  // whether that request still has its effect
  client::RotationPhase phase = client::RotationPhase::None;
  bool answers_rotation = true;
  bool stands_still = false;  // the rewrap waits for something
  bool key_loss_accepted = false;
  std::string instance;

  UnitServiceFactory factory() {
    return [this]() -> Result<std::unique_ptr<UnitService>> {
      std::unique_ptr<UnitService> service = std::make_unique<Service>(*this);
      return service;
    };
  }

 private:
  unit::KeyBinding binding() const {
    return {InstanceId::parse(instance).value(), key_id_, VersionId{key_id_.uuid}};
  }
  static unit::BlobPattern name_of(
      const std::array<std::uint8_t, unit::kVerificationPatternSize>& pattern) {
    unit::BlobPattern out{};
    std::copy_n(pattern.begin(), out.size(), out.begin());
    return out;
  }

  class Service final : public UnitService {
   public:
    explicit Service(UnitsForTests& units) : units_(units) {}
    std::string address() const override {
      return "https://" + units_.instance + ".example:8443";  // roots are pinned by address
    }
    Result<std::vector<InstanceName>> instances() override {
      std::vector<InstanceName> out;
      for (const std::string& guid : units_.instances_) out.push_back({guid, "test"});
      return out;
    }
    Result<std::vector<client::CryptoUnitEntry>> units(const std::string& guid) override {
      std::vector<client::CryptoUnitEntry> out;
      for (const unit::UnitType type :
           {unit::UnitType::Operational, unit::UnitType::Recovery, unit::UnitType::Failover}) {
        for (const unit::UnitStatus& status : units_.statuses(guid)) {
          if (status.type != type) continue;
          const bool operational = type == unit::UnitType::Operational;
          out.push_back({status.id.text(), status.location, status.serial_number,
                         operational                        ? client::UnitType::Operational
                         : type == unit::UnitType::Recovery ? client::UnitType::Recovery
                                                            : client::UnitType::Failover,
                         operational && status.joined});
        }
      }
      return out;
    }
    Result<std::string> administer(const std::string& guid, const std::string& hsm_id,
                                   const std::string& request) override {
      const InstanceId id = KH_TRY(InstanceId::parse(guid));
      const UnitId unit_id = KH_TRY(UnitId::parse(hsm_id));
      return heard(
          [&]() -> Result<std::string> { return units_.unit_->administer(id, unit_id, request); });
    }
    Result<std::string> create_instance(const std::string&) override {
      return units_.add_instance({1});
    }
    Result<std::uint64_t> count_keys(const std::string&) override { return units_.key_ ? 1 : 0; }
    Result<void> delete_instance(const std::string& guid) override {
      const InstanceId id = KH_TRY(InstanceId::parse(guid));
      return units_.unit_->remove_units(id);
    }
    Result<client::AttestationRootClaim> claimed_root() override {
      const Bytes spki = KH_TRY(units_.unit_->attestation_root());
      const crypto::P521PublicKey key = KH_TRY(crypto::P521PublicKey::from_spki(spki));
      const ByteView point(key.point());
      return client::AttestationRootClaim{to_hex(tke::ski_of(key.point())),
                                          to_hex(point.subspan(1, 66)), to_hex(point.last(66))};
    }
    Result<client::MasterKeyRotation> rotation(const std::string&) override {
      if (!units_.answers_rotation) return UnitService::rotation({});
      return heard([&]() -> Result<client::MasterKeyRotation> { return units_.look(); });
    }
    Result<client::MasterKeyRotation> start_rotation(const std::string&) override {
      return heard([&]() -> Result<client::MasterKeyRotation> { return units_.start(); });
    }
    Result<client::MasterKeyRotation> abandon_rotation(const std::string&) override {
      return heard([&]() -> Result<client::MasterKeyRotation> {
        units_.phase = client::RotationPhase::Reverting;
        return units_.describe();
      });
    }
    Result<void> resize(const std::string& guid, const client::UpdateInstance& change) override {
      unit::UnitCounts counts;
      for (const unit::UnitStatus& status : units_.statuses(guid)) {
        counts.operational += status.type == unit::UnitType::Operational ? 1 : 0;
        counts.recovery += status.type == unit::UnitType::Recovery ? 1 : 0;
        counts.failover += status.type == unit::UnitType::Failover ? 1 : 0;
      }
      counts.operational = change.units.value_or(counts.operational);
      counts.recovery = change.recovery_units.value_or(counts.recovery);
      counts.failover = change.failover_units.value_or(counts.failover);
      const InstanceId id = KH_TRY(InstanceId::parse(guid));
      const auto resized = KH_TRY(units_.unit_->resize_units(id, counts));
      static_cast<void>(resized);
      return {};
    }
    void accept_key_loss(bool accepted) override { units_.key_loss_accepted = accepted; }

   private:
    template <class Call>
    auto heard(const Call& call) -> decltype(call()) {
      const Error silence{Reason::Internal, "the connection is gone", {}};
      ++units_.requests;
      if (units_.silent_at == 0 || units_.requests < units_.silent_at) return call();
      if (units_.requests == units_.silent_at && units_.carried_out) {
        const auto unheard = call();
        static_cast<void>(unheard);
      }
      return silence;
    }
    UnitsForTests& units_;
  };

  client::MasterKeyRotation describe() const {
    client::MasterKeyRotation out;
    out.phase = phase;
    out.message = "as the test has it";
    out.from = to_hex(from_);
    out.to = to_hex(to_);
    out.keys_total = key_ ? 1 : 0;
    out.keys_left = phase == client::RotationPhase::Resealing ? out.keys_total : 0;
    if (stands_still) out.waiting_for = "a test that waits";
    if (key_) {
      const auto under = unit::master_key_of(*key_);
      out.stored.push_back({to_hex(*under), 1, 1, false});
    }
    return out;
  }
  // Each look does what the server would have done meanwhile.
  Result<client::MasterKeyRotation> look() {
    if (phase == client::RotationPhase::Resealing && !stands_still) {
      if (key_) {
        key_ = KH_TRY(unit_->reseal(unit::BlobPurpose::RootKey, binding(), *key_, to_));
      }
      phase = client::RotationPhase::Resealed;
    } else if (phase == client::RotationPhase::Resealed) {
      const auto all = statuses(instance);
      const bool switched = std::all_of(all.begin(), all.end(), [&](const auto& status) {
        return status.type != unit::UnitType::Operational || !status.joined ||
               name_of(status.current_pattern) == to_;
      });
      if (switched) phase = client::RotationPhase::None;
    }
    return describe();
  }
  Result<client::MasterKeyRotation> start() {
    if (phase != client::RotationPhase::None) return describe();
    for (const unit::UnitStatus& status : statuses(instance)) {
      if (status.pending != unit::RegisterState::FullCommitted)
        return Error{Reason::MasterKeyRotationState, "a unit has no committed new key", {}};
      from_ = name_of(status.current_pattern);
      to_ = name_of(status.pending_pattern);
    }
    phase = client::RotationPhase::Resealing;
    return describe();
  }

  unit::NullSink sink_;
  SystemClock clock_;
  std::unique_ptr<unit::DomainTable> table_;
  std::unique_ptr<unit::SoftUnit> unit_;
  std::vector<std::string> instances_;
  KeyId key_id_{crypto::random_uuid()};
  std::optional<unit::KeyBlob> key_;
  Bytes wrapped_;
  unit::BlobPattern from_{};
  unit::BlobPattern to_{};
};

}  // namespace keyhaven::cli
