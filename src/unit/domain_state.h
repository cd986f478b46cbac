// The state of one crypto unit (a domain of a module) and of the module it lives in. Plain data;
// the rules are in command_processor.cc.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "base/secret_bytes.h"
#include "crypto/ec.h"
#include "tke/admin.h"
#include "tke/attributes.h"
#include "tke/certificate.h"
#include "tke/control_points.h"
#include "unit/crypto_unit.h"
#include "unit/master_key.h"
#include "unit/transfer_state.h"

namespace keyhaven::unit {

// A simulated crypto module: what signs the answers of its domains.
struct Module {
  std::uint32_t index = 0;  // from 1
  Bytes id;                 // kModuleIdSize: serial number ‖ module instance
  crypto::P521PrivateKey key;
  Bytes certificate;  // OA2, signed by the deployment's attestation root

  std::string serial_number() const {
    return std::string(as_text(ByteView(id).first(tke::kSerialNumberSize)));
  }
};

// A master key register.
struct Register {
  MasterKeyPtr key;  // null: the register is empty
  bool committed = false;

  bool full() const noexcept { return key != nullptr; }
  tke::VerificationPattern pattern() const {
    return full() ? key->pattern() : tke::VerificationPattern{};
  }
};

using Counter = std::array<std::uint8_t, tke::kCounterSize>;

struct DomainState {
  UnitId id;
  UnitType type = UnitType::Operational;
  std::uint32_t module = 1;  // index of its module, see domain_table.h
  bool joined = true;        // see UnitStatus; always false for units that are not operational
  std::uint32_t index = 0;   // domain index within the module
  std::uint32_t instance =
      0;  // domain instance id: new after every zeroize, so that old signed blocks die
  Counter counter{};
  tke::DomainAttributes attributes;
  tke::ControlPoints control_points = tke::default_control_points();
  std::vector<tke::AdministratorCertificate> administrators;
  Register current;
  Register pending;
  std::optional<crypto::P521PrivateKey> importer;
  std::optional<OutgoingTransfer> outgoing;
  std::optional<IncomingTransfer> incoming;

  bool imprint() const noexcept { return attributes.imprint(); }
  const tke::AdministratorCertificate* administrator(const tke::Ski& ski) const;
  DomainState clone() const;
  // The fresh state of the same unit under a new domain instance id. The counter goes on.
  DomainState zeroized(std::uint32_t new_instance) const;
  // Whether the key can be used for blobs: it is the current one or a committed new one.
  bool holds(const MasterKeyPtr& key) const noexcept;
};

struct UnitOfTable {
  DomainState domain;
  Module module;
};

UnitStatus status_of(const Module& module, const DomainState& domain, const std::string& region);

}  // namespace keyhaven::unit
