#include "iam/action.h"

#include <array>

#include "base/result.h"

namespace keyhaven::iam {
namespace {

template <class... Roles>
constexpr RoleSet any_of(Roles... roles) noexcept {
  return static_cast<RoleSet>((0U | ... | bit(roles)));
}

constexpr RoleSet kNobody = 0;
constexpr RoleSet kManage = any_of(Role::Manager);
constexpr RoleSet kWrite = any_of(Role::Writer, Role::Manager);
constexpr RoleSet kPayload = any_of(Role::ReaderPlus, Role::Writer, Role::Manager);
constexpr RoleSet kUse = any_of(Role::Reader, Role::ReaderPlus, Role::Writer, Role::Manager);
constexpr RoleSet kPurge = any_of(Role::KeyPurge);
constexpr RoleSet kEdit = any_of(Role::Editor, Role::Administrator);
constexpr RoleSet kAdminister = any_of(Role::Administrator);
constexpr RoleSet kEverybody = static_cast<RoleSet>((1U << kRoleCount) - 1);

enum class Record : std::uint8_t { Buffered, Durable, None };

// A row. Buffered: written to the log before the answer leaves; Durable: fsynced too (changes,
// administration).
constexpr ActionInfo row(std::string_view event, Access access, RoleSet roles, Severity severity,
                         Record record) {
  return {event, access, roles, severity, record == Record::Buffered, record != Record::None};
}
constexpr ActionInfo use(std::string_view event, RoleSet roles) {
  return row(event, Access::Roles, roles, Severity::Normal, Record::Buffered);
}
constexpr ActionInfo change(std::string_view event, RoleSet roles, Severity severity) {
  return row(event, Access::Roles, roles, severity, Record::Durable);
}

// The table. A missing row does not compile: kTable below could not be built.
//
// Sources: key-management-api.md 16 and 18 (keys), instances-tke-iam.md 5.2, 6.2 and 6.3 (units,
// severities). What the vendor's tables do not classify (instances, identities, purge) is ours.
constexpr ActionInfo describe(Action action) {
  using enum Action;
  using enum Severity;
  switch (action) {
    case SecretsCreate:
      return change("secrets.create", kWrite, Normal);
    case SecretsList:
      return use("secrets.list", kUse);
    case SecretsHead:
      return use("secrets.head", kUse);
    case SecretsRead:
      return use("secrets.read", kPayload);
    case SecretsReadMetadata:
      return use("secrets-metadata.read", kUse);
    case SecretsPatch:
      return change("secrets.patch", kManage, Normal);
    case SecretsDelete:
      return change("secrets.delete", kManage, Critical);
    case SecretsPurge:
      return change("secrets.purge", kPurge, Critical);
    case SecretsRestore:
      return change("secrets.restore", kManage, Warning);
    case SecretsWrap:
      return use("secrets.wrap", kUse);
    case SecretsUnwrap:
      return use("secrets.unwrap", kUse);
    case SecretsRewrap:
      return use("secrets.rewrap", kUse);
    case SecretsRotate:
      return change("secrets.rotate", kWrite, Warning);
    case SecretsDisable:
      return change("secrets.disable", kManage, Warning);
    case SecretsEnable:
      return change("secrets.enable", kManage, Warning);
    case SecretsListVersions:
      return use("secrets-key-versions.list", kUse);
    case SecretsSetForDeletion:
      return change("secrets.setkeyfordeletion", kWrite, Warning);
    case SecretsUnsetForDeletion:
      return change("secrets.unsetkeyfordeletion", kWrite, Warning);
    case SecretsSync:
      return change("secrets.sync", kWrite, Normal);
    case SecretsEventAck:
      return change("secrets-event.ack", kUse, Normal);
    case SecretsUnknown:
      return use("secrets.default", kUse);
    case AliasCreate:
      return change("secrets-alias.create", kWrite, Normal);
    case AliasDelete:
      return change("secrets-alias.delete", kManage, Normal);
    case KeyRingsCreate:
      return change("key-rings.create", kWrite, Normal);
    case KeyRingsDelete:
      return change("key-rings.delete", kManage, Normal);
    case KeyRingsList:
      return use("key-rings.list", kUse);
    case PoliciesRead:
      return use("policies.read", kManage);
    case PoliciesWrite:
      return change("policies.write", kManage, Warning);
    case InstancePoliciesRead:
      return use("instance-policies.read", kManage);
    case InstancePoliciesWrite:
      return change("instance-policies.write", kManage, Warning);
    case AllowedIpPortRead:
      return use("instance-allowed-ip-port.read", kManage);
    case ImportTokenCreate:
      return change("import-token.create", kWrite, Normal);
    case ImportTokenRead:
      return change("import-token.read", kWrite, Normal);
    // Any role, but writing is for services only (key-management-api.md 13.2).
    case RegistrationsList:
      return use("registrations.list", kUse);
    case RegistrationsCreate:
      return change("registrations.create", kUse, Normal);
    case RegistrationsReplace:
      return change("registrations.write", kUse, Normal);
    case RegistrationsUpdate:
      return change("registrations.merge", kUse, Normal);
    case RegistrationsDelete:
      return change("registrations.delete", kUse, Warning);
    case RegistrationsDeactivate:
      return change("registrations.deactivate", kUse, Normal);
    case LifecycleEventsList:
      return use("secrets-event.list", kUse);
    case MigrationIntentCreate:
      return change("migration-intent.create", kManage, Warning);
    case MigrationIntentRead:
      return use("migration-intent.read", kUse);
    case MigrationIntentDelete:
      return change("migration-intent.delete", kManage, Warning);
    case MigrationReportRecord:
      return change("migration-report.record", kManage, Normal);
    case TransferRead:
      return use("transfer.read", kUse);
    case TransferExport:
      return change("transfer.export", kManage, Critical);
    case TransferImport:
      return change("transfer.import", kManage, Critical);
    case TransferClose:
      return change("transfer.close", kManage, Warning);
    case GovernanceRead:
      return use("governance-config.read", kEverybody);

    case InstancesCreate:
      return change("instances.create", kEdit, Warning);
    // The list shows what the caller may read; with no such instance it is empty
    // (instances-tke-iam.md 5.4).
    case InstancesList:
      return row("instances.list", Access::AnyCaller, kNobody, Normal, Record::Buffered);
    case InstancesRead:
      return use("instances.read", kEverybody);
    case InstancesUpdate:
      return change("instances.update", kEdit, Warning);
    case InstancesDelete:
      return change("instances.delete", kEdit, Critical);
    case EndpointsRead:
      return use("instance-endpoints.read", kEverybody);

    case TkeRead:
      return use("tke-cryptounit.list", kManage);
    case TkeQuery:
      return use("tke-cryptounit.query", kManage);
    case TkeAdminAdd:
      return change("tke-cryptounit-admin.add", kManage, Critical);
    case TkeAdminRemove:
      return change("tke-cryptounit-admin.remove", kManage, Critical);
    case TkeThresholdSet:
      return change("tke-cryptounit-threshold.set", kManage, Critical);
    case TkeRegisterAdd:
      return change("tke-cryptounit-master-key-register.add", kManage, Critical);
    case TkeRegisterCommit:
      return change("tke-cryptounit-master-key-register.commit", kManage, Critical);
    case TkeRegisterActivate:
      return change("tke-cryptounit-master-key-register.activate", kManage, Critical);
    case TkeRegisterClear:
      return change("tke-cryptounit-new-master-key-register.clear", kManage, Critical);
    case TkeCurrentRegisterClear:
      return change("tke-cryptounit-current-master-key-register.clear", kManage, Critical);
    case TkeImporterGenerate:
      return change("tke-cryptounit-importer-key.generate", kManage, Critical);
    case TkeZeroize:
      return change("tke-cryptounit.reset", kManage, Critical);
    case TkeRandomKey:
      return change("tke-cryptounit-master-key-register.generate", kManage, Critical);
    case TkeExport:
      return change("tke-cryptounit-master-key.export", kManage, Critical);
    case TkeControlPointsSet:
      return change("tke-cryptounit-control-points.set", kManage, Critical);
    case TkeRecordsAccept:
      return change("tke-cryptounit-records.accept", kManage, Critical);
    case TkeTransferOffer:
      return change("tke-cryptounit-transfer.offer", kManage, Critical);
    case TkeTransferAuthorize:
      return change("tke-cryptounit-transfer.authorize", kManage, Critical);
    case TkeTransferConsent:
      return change("tke-cryptounit-transfer.consent", kManage, Critical);
    case TkeRotationRead:
      return use("tke-master-key-rotation.read", kManage);
    case TkeRotationStart:
      return change("tke-master-key-rotation.start", kManage, Critical);
    case TkeTranscriptRead:
      return use("tke-transcript.read", kManage);
    case TkeProposalRead:
      return use("tke-proposal.read", kManage);
    case TkeProposalCreate:
      return change("tke-proposal.create", kManage, Warning);
    case TkeProposalSign:
      return change("tke-proposal.sign", kManage, Warning);
    case TkeProposalSend:
      return change("tke-proposal.send", kManage, Critical);
    case TkeProposalDelete:
      return change("tke-proposal.delete", kManage, Warning);
    case TkeUnknown:
      return change("tke-cryptounit.default", kManage, Critical);

    case TokenCreate:
      return row("iam-token.create", Access::Open, kNobody, Normal, Record::Buffered);
    case KeysetRead:
      return row("iam-keyset.read", Access::Open, kNobody, Normal, Record::Buffered);
    case IdentityCreate:
      return change("iam-identity.create", kAdminister, Warning);
    case IdentityList:
      return use("iam-identity.list", kAdminister);
    case IdentityUpdate:
      return change("iam-identity.update", kAdminister, Critical);
    case IdentityDelete:
      return change("iam-identity.delete", kAdminister, Critical);
    case ApiKeyCreate:
      return change("iam-apikey.create", kAdminister, Warning);
    case ApiKeyList:
      return use("iam-apikey.list", kAdminister);
    case ApiKeyDelete:
      return change("iam-apikey.delete", kAdminister, Critical);
    case GrantCreate:
      return change("iam-policy.create", kAdminister, Warning);
    case GrantList:
      return use("iam-policy.list", kAdminister);
    case GrantDelete:
      return change("iam-policy.delete", kAdminister, Critical);
    case AuditRead:
      return use("audit-log.read", kAdminister);
    case AuditSearch:
      return use("audit-log.search", kAdminister);
    case AuditVerify:
      return change("audit-log.checkpoint", kAdminister, Normal);
    case AuditCheck:
      return change("audit-log.verify", kAdminister, Normal);
    case StoreVerify:
      return change("store.verify", kAdminister, Normal);
    case UnitSealingRead:
      return use("unit-sealing.read", kAdminister);
    case UnitSealingChange:
      return change("unit-sealing.update", kAdminister, Critical);

    case HealthRead:
      return row("health.read", Access::Open, kNobody, Normal, Record::None);
    case MetricsRead:
      return row("metrics.read", Access::Roles, kAdminister, Normal, Record::Buffered);
    case DocumentRead:
      return row("document.read", Access::Open, kNobody, Normal, Record::Buffered);
    // Files that everybody may have and that are the same for everybody: counted, not recorded, or
    // each opening of the page would write a dozen records that say nothing. What the page then
    // does are calls with their own records.
    case ConsoleRead:
      return row("console.read", Access::Open, kNobody, Normal, Record::None);
    case ConsoleSessionCreate:
      return row("console-session.create", Access::Open, kNobody, Normal, Record::Buffered);
    case ConsoleSessionRead:
      return row("console-session.read", Access::AnyCaller, kNobody, Normal, Record::Buffered);
    case ConsoleSessionDelete:
      return row("console-session.delete", Access::AnyCaller, kNobody, Normal, Record::Durable);
    case ConsoleOidcStart:
      return row("console-oidc.start", Access::Open, kNobody, Normal, Record::Buffered);
    case ConsoleOidcFinish:
      return row("console-oidc.finish", Access::Open, kNobody, Normal, Record::Buffered);
    case PermissionsRead:
      return row("permissions.read", Access::AnyCaller, kNobody, Normal, Record::Buffered);
    case RouteUnknown:
      return row("route.default", Access::Open, kNobody, Normal, Record::Buffered);
  }
  fatal(__FILE__, __LINE__, "an action outside the table");
}

constexpr std::array<ActionInfo, kActionCount> kTable = [] {
  std::array<ActionInfo, kActionCount> table{};
  for (std::size_t index = 0; index < kActionCount; ++index)
    table[index] = describe(static_cast<Action>(index));
  return table;
}();

}  // namespace

const ActionInfo& info(Action action) noexcept { return kTable[static_cast<std::size_t>(action)]; }

std::string_view name_of(Role role) noexcept {
  switch (role) {
    case Role::Viewer:
      return "Viewer";
    case Role::Operator:
      return "Operator";
    case Role::Editor:
      return "Editor";
    case Role::Administrator:
      return "Administrator";
    case Role::Reader:
      return "Reader";
    case Role::ReaderPlus:
      return "ReaderPlus";
    case Role::Writer:
      return "Writer";
    case Role::Manager:
      return "Manager";
    case Role::KeyPurge:
      return "KMS Key Purge";
  }
  fatal(__FILE__, __LINE__, "a role outside the enumeration");
}

std::optional<Role> role_of(std::string_view name) noexcept {
  if (name.starts_with("crn:")) name = name.substr(name.rfind(':') + 1);
  if (name == "KeyPurge") return Role::KeyPurge;
  for (std::size_t index = 0; index < kRoleCount; ++index) {
    if (const Role role = static_cast<Role>(index); name_of(role) == name) return role;
  }
  return std::nullopt;
}

}  // namespace keyhaven::iam
