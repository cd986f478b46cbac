// Serialisation of a unit's whole state: docs/protocols/unit-state.md.
//
// The writer runs twice, first to count, then straight into secret memory of that size, so that no
// growing buffer leaves copies of keys behind. The reader is bounded and checks that what it read
// hangs together.
#include <algorithm>
#include <set>

#include "base/wire.h"
#include "tke/oa_certificate.h"
#include "unit/table_state.h"

namespace keyhaven::unit {

namespace {

constexpr std::string_view kMagic = "KHUS";
constexpr std::uint16_t kFirstFormat = 1;   // operational units only, 6 modules
constexpr std::uint16_t kSecondFormat = 2;  // without keys of stored records
constexpr std::uint16_t kThirdFormat = 3;   // without transfers of keys
constexpr std::uint16_t kFormat = 4;
constexpr std::size_t kMaxPrivateKeyBytes = 512;

// Counts, or writes into a span of exactly the counted size.
class StateWriter {
 public:
  StateWriter() = default;
  explicit StateWriter(std::span<std::uint8_t> out) : out_(out), writing_(true) {}
  std::size_t size() const noexcept { return size_; }

  void raw(ByteView bytes) {
    if (writing_) {
      KH_ASSERT(size_ + bytes.size() <= out_.size());
      std::copy(bytes.begin(), bytes.end(), out_.begin() + static_cast<std::ptrdiff_t>(size_));
    }
    size_ += bytes.size();
  }
  void u8(std::uint8_t value) { raw({&value, 1}); }
  void u32(std::uint32_t value) {
    const std::uint8_t bytes[] = {
        static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
        static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
    raw(bytes);
  }
  void u64(std::uint64_t value) {
    u32(static_cast<std::uint32_t>(value >> 32));
    u32(static_cast<std::uint32_t>(value));
  }
  void bytes32(ByteView bytes) {
    u32(static_cast<std::uint32_t>(bytes.size()));
    raw(bytes);
  }

 private:
  std::span<std::uint8_t> out_;
  std::size_t size_ = 0;
  bool writing_ = false;
};

void write_private_key(StateWriter& w, const crypto::P521PrivateKey& key) {
  const SecretBytes der = key.sec1_der();
  w.bytes32(der.expose());
}

// First byte of a register.
enum class RegisterForm : std::uint8_t { Empty, Uncommitted, Committed, OfToken, OfTokenCommitted };

void write_register(StateWriter& w, const Register& held) {
  if (!held.full()) return w.u8(static_cast<std::uint8_t>(RegisterForm::Empty));
  const SecretBytes* bytes = held.key->bytes();
  auto form = bytes != nullptr ? RegisterForm::Uncommitted : RegisterForm::OfToken;
  if (held.committed) {
    form = bytes != nullptr ? RegisterForm::Committed : RegisterForm::OfTokenCommitted;
  }
  w.u8(static_cast<std::uint8_t>(form));
  if (bytes != nullptr) return w.raw(bytes->expose());
  w.raw(held.key->pattern());
  w.bytes32(held.key->reference());
}

void write_outgoing(StateWriter& w, const OutgoingTransfer& transfer) {
  w.raw(transfer.id.view());
  w.raw(transfer.target.view());
  w.u64(static_cast<std::uint64_t>(transfer.expires.us));
  w.raw(transfer.offer);
  w.raw(transfer.ephemeral);
  w.raw(transfer.key.expose());
}

void write_incoming(StateWriter& w, const IncomingTransfer& transfer) {
  w.raw(transfer.id.view());
  w.raw(transfer.source.view());
  w.raw(transfer.source_root.point());
  w.u64(static_cast<std::uint64_t>(transfer.expires.us));
  w.raw(transfer.offer);
  write_private_key(w, transfer.import_key);
  w.u8(transfer.manifest ? 1 : 0);
  if (transfer.manifest) w.raw(*transfer.manifest);
}

void write_domain(StateWriter& w, const DomainState& domain) {
  w.raw(domain.id.view());
  w.u8(static_cast<std::uint8_t>(domain.type));
  w.u8(static_cast<std::uint8_t>(domain.module));
  w.u8(domain.joined ? 1 : 0);
  w.u32(domain.instance);
  w.raw(domain.counter);
  w.u32(domain.attributes.signature_threshold);
  w.u32(domain.attributes.revocation_threshold);
  w.u32(domain.attributes.permissions);
  w.u32(domain.attributes.operational_mode);
  w.u32(domain.attributes.compliance);
  w.raw(domain.control_points);
  w.u8(static_cast<std::uint8_t>(domain.administrators.size()));
  for (const auto& administrator : domain.administrators) w.bytes32(administrator.der);
  write_register(w, domain.current);
  write_register(w, domain.pending);
  w.u8(domain.importer ? 1 : 0);
  if (domain.importer) write_private_key(w, *domain.importer);
  w.u8(domain.outgoing ? 1 : 0);
  if (domain.outgoing) write_outgoing(w, *domain.outgoing);
  w.u8(domain.incoming ? 1 : 0);
  if (domain.incoming) write_incoming(w, *domain.incoming);
}

void write_record_keys(StateWriter& w, const RecordKeys& records) {
  w.u8(records.guarding ? 1 : 0);
  w.u8(records.losses);
  w.u64(records.run);
  w.bytes32(records.journal_key.expose());
  w.u32(static_cast<std::uint32_t>(records.scopes.size()));
  for (const auto& [scope, keys] : records.scopes) {
    w.raw(scope.view());
    w.u8(static_cast<std::uint8_t>(keys.size()));
    for (const RecordKey& key : keys) {
      w.u32(key.epoch);
      w.raw(key.key.expose());
    }
  }
}

void write_state(StateWriter& w, const TableState& state) {
  w.raw(as_bytes(kMagic));
  w.u8(kFormat >> 8);
  w.u8(kFormat & 0xFF);
  write_private_key(w, state.root);
  w.u8(static_cast<std::uint8_t>(state.modules.size()));
  for (const Module& module : state.modules) {
    w.u32(module.index);
    w.raw(module.id);
    write_private_key(w, module.key);
    w.bytes32(module.certificate);
  }
  w.u32(state.next_domain_instance);
  w.u32(static_cast<std::uint32_t>(state.instances.size()));
  for (const auto& [id, instance] : state.instances) {
    w.raw(id.view());
    w.bytes32(as_bytes(instance.region));
    w.u32(instance.slot);
    w.u8(static_cast<std::uint8_t>(instance.units.size()));
    for (const DomainState& domain : instance.units) write_domain(w, domain);
  }
  write_record_keys(w, state.records);
}

Error damaged(const char* what) {
  return {Reason::InvalidArgument, std::string("crypto unit state: ") + what, {}};
}

Result<crypto::P521PrivateKey> read_private_key(Reader& r) {
  return crypto::P521PrivateKey::from_sec1_der(r.bytes32(kMaxPrivateKeyBytes));
}

Result<Register> read_register(Reader& r, MasterKeyBackend& keys) {
  Register out;
  const auto form = static_cast<RegisterForm>(r.u8());
  if (form > RegisterForm::OfTokenCommitted) return damaged("unknown register state");
  if (!r.ok()) return damaged("truncated");
  if (form == RegisterForm::Empty) return out;
  out.committed = form == RegisterForm::Committed || form == RegisterForm::OfTokenCommitted;
  if (form == RegisterForm::Uncommitted || form == RegisterForm::Committed) {
    SecretBytes bytes = SecretBytes::copy_of(r.raw(tke::kMasterKeySize));
    if (!r.ok()) return damaged("truncated");
    out.key = software_master_key(std::move(bytes));
    return out;
  }
  tke::VerificationPattern pattern{};
  r.into(pattern);
  const ByteView reference = r.bytes32(kMaxKeyReference);
  if (!r.ok() || reference.empty()) return damaged("truncated");
  out.key = KH_TRY(keys.restore(pattern, reference));
  return out;
}

struct Modules {
  std::uint32_t first;
  std::uint32_t last;
};
constexpr Modules modules_of(UnitType type) {
  switch (type) {
    case UnitType::Recovery:
      return {kFirstRecoveryModule, kFirstFailoverModule - 1};
    case UnitType::Failover:
      return {kFirstFailoverModule, kModules};
    case UnitType::Operational:
      break;
  }
  return {1, kMaxUnitsPerInstance};
}

// Type, module and membership, which format 1 did not have: all units were operational.
Result<void> read_place(Reader& r, std::uint16_t format, std::uint32_t position, DomainState& out) {
  out.module = position;
  if (format == kFirstFormat) return {};
  out.type = UnitType{r.u8()};
  out.module = r.u8();
  const std::uint8_t joined = r.u8();
  const bool known = out.type >= UnitType::Operational && out.type <= UnitType::Failover;
  const Modules allowed = modules_of(out.type);
  if (!r.ok() || !known || out.module < allowed.first || out.module > allowed.last ||
      joined > (out.type == UnitType::Operational ? 1 : 0)) {
    return damaged("a unit's type, module and membership do not fit together");
  }
  out.joined = joined == 1;
  return {};
}

// Format 1 had no guards of control points and let any bit be set.
void adopt_control_points(tke::ControlPoints& points) {
  const tke::ControlPoints known = tke::known_control_points();
  const tke::ControlPoints guards = tke::default_control_points();
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i] = static_cast<std::uint8_t>((points[i] & known[i]) | guards[i]);
  }
}

OutgoingTransfer read_outgoing(Reader& r) {
  OutgoingTransfer out;
  out.id = r.uuid();
  out.target = InstanceId{r.uuid()};
  out.expires = Timestamp{r.i64()};
  r.into(out.offer);
  r.into(out.ephemeral);
  out.key = SecretBytes::copy_of(r.raw(kTransferKeySize));
  return out;
}

Result<IncomingTransfer> read_incoming(Reader& r) {
  IncomingTransfer out;
  out.id = r.uuid();
  out.source = InstanceId{r.uuid()};
  out.source_root = KH_TRY(crypto::P521PublicKey::from_point(r.raw(crypto::kP521PointSize)));
  out.expires = Timestamp{r.i64()};
  r.into(out.offer);
  out.import_key = KH_TRY(read_private_key(r));
  if (r.flag()) r.into(out.manifest.emplace());
  return out;
}

Result<void> read_transfers(Reader& r, DomainState& out) {
  if (r.flag()) out.outgoing = read_outgoing(r);
  if (r.flag()) out.incoming = KH_TRY(read_incoming(r));
  return {};
}

Result<DomainState> read_domain(Reader& r, std::uint16_t format, std::uint32_t position,
                                MasterKeyBackend& keys) {
  DomainState out;
  out.id = UnitId{r.uuid()};
  KH_TRY(read_place(r, format, position, out));
  out.instance = r.u32();
  r.into(out.counter);
  out.attributes.signature_threshold = r.u32();
  out.attributes.revocation_threshold = r.u32();
  out.attributes.permissions = r.u32();
  out.attributes.operational_mode = r.u32();
  out.attributes.compliance = r.u32();
  r.into(out.control_points);
  if (format == kFirstFormat) adopt_control_points(out.control_points);
  const std::size_t administrators = r.u8();
  if (administrators > tke::kMaxAdministrators) return damaged("too many administrators");
  for (std::size_t i = 0; i < administrators; ++i) {
    auto certificate =
        KH_TRY(tke::parse_administrator_certificate(r.bytes32(tke::kMaxCertificateBytes)));
    if (out.administrator(certificate.ski) != nullptr) return damaged("an administrator twice");
    out.administrators.push_back(std::move(certificate));
  }
  out.current = KH_TRY(read_register(r, keys));
  out.pending = KH_TRY(read_register(r, keys));
  if (r.flag()) out.importer = KH_TRY(read_private_key(r));
  if (format == kFormat) KH_TRY(read_transfers(r, out));
  if (out.attributes.signature_threshold > administrators ||
      out.attributes.revocation_threshold > administrators ||
      (out.imprint() && (out.current.full() || out.pending.full()))) {
    return damaged("thresholds, administrators and registers do not fit together");
  }
  return out;
}

Result<void> read_modules(Reader& r, std::uint16_t format, TableState& state) {
  const std::uint32_t count = format == kFirstFormat ? kMaxUnitsPerInstance : kModules;
  if (r.u8() != count) return damaged("wrong number of modules");
  const auto root = tke::AttestationRoot::of(state.root.public_key());
  for (std::uint32_t i = 1; i <= count; ++i) {
    Module module;
    module.index = r.u32();
    module.id = to_bytes(r.raw(tke::kModuleIdSize));
    if (!r.ok() || module.index != i) return damaged("modules out of order");
    module.key = KH_TRY(read_private_key(r));
    module.certificate = to_bytes(r.bytes32(tke::kMaxOaCertificateBytes));
    const auto certified = KH_TRY(tke::verify_chain({module.certificate}, root));
    if (certified.point() != module.key.public_key().point())
      return damaged("a module key differs");
    state.modules.push_back(std::move(module));
  }
  return {};
}

Result<InstanceUnits> read_instance(Reader& r, std::uint16_t format,
                                    std::uint32_t next_domain_instance, MasterKeyBackend& keys) {
  InstanceUnits out;
  out.region = std::string(r.text32(kMaxRegionBytes));
  out.slot = r.u32();
  const std::size_t count = r.u8();
  if (!r.ok() || !is_region(out.region) || count == 0 || count > kModules) {
    return damaged("an instance is malformed");
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto position = static_cast<std::uint32_t>(i + 1);
    DomainState domain = KH_TRY(read_domain(r, format, position, keys));
    if (!out.units.empty() && domain.module <= out.units.back().module)
      return damaged("units out of order");
    if (domain.instance >= next_domain_instance)
      return damaged("a domain instance from the future");
    domain.index = out.slot;
    out.units.push_back(std::move(domain));
  }
  if (std::none_of(out.units.begin(), out.units.end(), [](const auto& u) { return u.joined; }))
    return damaged("an instance without a joined unit");
  out.key = derive_instance_key(out.units);
  return out;
}

Result<RecordKeys> read_record_keys(Reader& r) {
  RecordKeys out;
  const std::uint8_t guarding = r.u8();
  out.guarding = guarding == 1;
  out.losses = r.u8();
  out.run = r.u64();
  const ByteView journal_key = r.bytes32(kRecordKeySize);
  const bool has_journal = journal_key.size() == kRecordKeySize;
  const std::size_t scopes = r.u32();
  if (!r.ok() || guarding > 1 || scopes > kMaxRecordScopes ||
      (!has_journal && (!journal_key.empty() || out.guarding || scopes != 0))) {
    return damaged("keys of stored records are malformed");
  }
  if (has_journal) out.journal_key = SecretBytes::copy_of(journal_key);
  const RecordScope* last = nullptr;
  for (std::size_t i = 0; i < scopes; ++i) {
    const RecordScope scope{r.uuid()};
    const std::size_t count = r.u8();
    if (!r.ok() || (last != nullptr && scope <= *last) || count == 0 || count > kMaxRecordEpochs)
      return damaged("scopes of stored records out of order");
    auto& [id, keys] = *out.scopes.emplace(scope, std::vector<RecordKey>()).first;
    last = &id;
    for (std::size_t each = 0; each < count; ++each) {
      const std::uint32_t epoch = r.u32();
      const std::uint32_t before = keys.empty() ? 0 : keys.back().epoch;
      if (epoch <= before || epoch > kMaxRecordEpoch)
        return damaged("epochs of stored records out of order");
      keys.push_back({epoch, SecretBytes::copy_of(r.raw(kRecordKeySize))});
      if (!r.ok()) return damaged("truncated");
    }
  }
  return out;
}

}  // namespace

SecretBytes serialize_state(const TableState& state) {
  StateWriter counter;
  write_state(counter, state);
  KH_ASSERT(counter.size() <= kMaxStateBytes);
  SecretBytes out(counter.size());
  StateWriter writer(out.expose_mutable());
  write_state(writer, state);
  KH_ASSERT(writer.size() == out.size());
  return out;
}

Result<TableState> parse_state(ByteView bytes, MasterKeyBackend& keys) {
  if (bytes.size() > kMaxStateBytes) return damaged("larger than 64 MiB");
  Reader r(bytes);
  if (as_text(r.raw(kMagic.size())) != kMagic) return damaged("not a state of a crypto unit");
  const std::uint16_t format = r.u16();
  if (format < kFirstFormat || format > kFormat)
    return damaged("written by another version of this program");
  TableState state;
  state.root = KH_TRY(read_private_key(r));
  KH_TRY(read_modules(r, format, state));
  state.next_domain_instance = r.u32();
  const std::size_t count = r.u32();
  if (!r.ok() || count > kMaxInstances) return damaged("too many instances");
  std::set<std::uint32_t> slots;
  std::set<UnitId> units;
  for (std::size_t i = 0; i < count; ++i) {
    const InstanceId id{r.uuid()};
    InstanceUnits instance = KH_TRY(read_instance(r, format, state.next_domain_instance, keys));
    bool unique = slots.insert(instance.slot).second;
    for (const DomainState& domain : instance.units) unique &= units.insert(domain.id).second;
    unique &= state.instances.emplace(id, std::move(instance)).second;
    if (!unique) return damaged("an identifier twice");
  }
  if (format >= kThirdFormat) state.records = KH_TRY(read_record_keys(r));
  if (!r.at_end()) return damaged("trailing bytes");
  return state;
}

}  // namespace keyhaven::unit
