// A deployment with administrators at hand, for tests: the real table, the real sessions, a
// transport in between.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/random.h"
#include "tke/unit_session.h"
#include "unit/domain_table.h"
#include "unit/soft_unit.h"

namespace keyhaven::unit {

// Keeps the last state; refuses on demand.
class MemorySink final : public StateSink {
 public:
  Result<void> save(const SecretBytes& state) override {
    if (failing) return Error{Reason::StoreUnavailable, "the disk is full", {}};
    last = state.clone();
    ++saves;
    return {};
  }
  // While it lives nothing can be saved.
  class Refusing {
   public:
    explicit Refusing(MemorySink& sink) : sink_(sink) { sink_.failing = true; }
    Refusing(const Refusing&) = delete;
    Refusing& operator=(const Refusing&) = delete;
    ~Refusing() { sink_.failing = false; }

   private:
    MemorySink& sink_;
  };

  SecretBytes last;
  int saves = 0;
  bool failing = false;
};

inline InstanceId test_instance(std::uint8_t number) {
  InstanceId id;
  id.uuid.bytes.fill(number);
  return id;
}

inline KeyBinding test_binding(const InstanceId& instance, std::uint8_t key = 1,
                               std::uint8_t version = 1) {
  KeyBinding out;
  out.instance = instance;
  out.key.uuid.bytes.fill(key);
  out.version.uuid.bytes.fill(version);
  return out;
}

struct Administrators {
  explicit Administrators(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      owned.push_back(std::make_unique<tke::LocalSigner>(crypto::P521PrivateKey::generate()));
      certificates.push_back(
          tke::make_administrator_certificate("Administrator " + std::to_string(i), *owned.back())
              .value());
    }
  }
  // The signers at these positions.
  tke::Signers some(std::initializer_list<std::size_t> which) const {
    tke::Signers out;
    for (std::size_t i : which) out.push_back(owned[i].get());
    return out;
  }
  tke::Signers all() const {
    tke::Signers out;
    for (const auto& each : owned) out.push_back(each.get());
    return out;
  }

  std::vector<std::unique_ptr<tke::LocalSigner>> owned;
  std::vector<Bytes> certificates;
};

// Where tables of tests keep their master keys: another program runs the same tests with a token.
inline MasterKeyBackend*& backend_for_tests() {
  static MasterKeyBackend* keys = &software_master_keys();
  return keys;
}

class TestDeployment {
 public:
  TestDeployment() : table_(DomainTable::create(sink_, *backend_for_tests()).value()) {}

  MemorySink& sink() { return sink_; }
  DomainTable& table() { return *table_; }
  ManualClock& clock() { return clock_; }
  SoftUnit make_unit(KeyEngineOptions options = {}) { return SoftUnit(*table_, clock_, options); }
  tke::AttestationRoot root() const {
    return tke::AttestationRoot::of(
        crypto::P521PublicKey::from_spki(table_->attestation_root()).value());
  }
  tke::Transport transport(const InstanceId& instance, const UnitId& unit) {
    return [this, instance, unit](const std::string& request) {
      return table_->administer(instance, unit, request);
    };
  }
  static tke::UnitTarget target(const UnitStatus& status) {
    return tke::target_from_location(status.location, status.serial_number).value();
  }
  tke::UnitSession session(const InstanceId& instance, const UnitStatus& status) {
    return tke::UnitSession::open(transport(instance, status.id), target(status), root()).value();
  }

  // Administrators and thresholds of one unit: leaves imprint mode.
  static Result<void> enroll(tke::UnitSession& session, const Administrators& administrators,
                             std::uint32_t threshold = 2) {
    for (const Bytes& certificate : administrators.certificates) {
      KH_TRY(session.add_administrator(certificate, {}));
    }
    return session.set_thresholds(threshold, threshold, administrators.all());
  }

  // Parts signed by the first administrators, one each; commit by all; set immediate.
  static Result<void> load(tke::UnitSession& session, const Administrators& administrators,
                           const std::vector<SecretBytes>& parts) {
    const auto importer = KH_TRY(session.generate_importer(administrators.some({0})));
    std::vector<tke::SignedKeyPart> signed_parts;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      signed_parts.push_back({&parts[i], administrators.some({i})});
    }
    const auto pattern = KH_TRY(session.import_key_parts(importer, signed_parts));
    KH_TRY(session.commit_pending(pattern, administrators.all()));
    return session.finalize_pending(pattern, administrators.some({1}));
  }

  // An instance whose units all hold the XOR of `parts`.
  std::vector<UnitStatus> initialise(const InstanceId& instance,
                                     const Administrators& administrators,
                                     const std::vector<SecretBytes>& parts,
                                     std::uint32_t units = 2) {
    const auto made = table_->create_units(instance, "local", units).value();
    for (const UnitStatus& status : made) {
      auto with = session(instance, status);
      enroll(with, administrators).value();
      load(with, administrators, parts).value();
    }
    return table_->list_units(instance).value();
  }

 private:
  MemorySink sink_;
  ManualClock clock_{Timestamp::from_seconds(1'700'000'000)};
  std::unique_ptr<DomainTable> table_;
};

inline std::vector<SecretBytes> random_parts(std::size_t count = 2) {
  std::vector<SecretBytes> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(crypto::random_secret(32));
  return out;
}

}  // namespace keyhaven::unit
