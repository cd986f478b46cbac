// The authorisation table: every action of every front end, and the roles that may do it
// (key-management-api.md 16, instances-tke-iam.md 5.2). A route names its action; a route without
// one does not compile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace keyhaven::iam {

enum class Role : std::uint8_t {
  Viewer,         // platform: see instances
  Operator,       // platform: see instances
  Editor,         // platform: create, change and delete instances
  Administrator,  // platform: all of that, and identities, API keys, roles, audit
  Reader,
  ReaderPlus,
  Writer,
  Manager,
  KeyPurge,  // purge only; Manager does not include it
};
inline constexpr std::size_t kRoleCount = 9;
std::string_view name_of(Role role) noexcept;  // the vendor's words: "Reader", "KMS Key Purge" ...
// The role of a vendor's name, also as the last part of a role CRN
// ("crn:v1:bluemix:public:iam::::serviceRole:Manager") and "KeyPurge"; nothing for other texts.
std::optional<Role> role_of(std::string_view name) noexcept;

// Roles as a bit set.
using RoleSet = std::uint16_t;
constexpr RoleSet bit(Role role) noexcept {
  return static_cast<RoleSet>(1U << static_cast<unsigned>(role));
}

enum class Action : std::uint8_t {
  // Keys.
  SecretsCreate,
  SecretsList,
  SecretsHead,
  SecretsRead,
  SecretsReadMetadata,
  SecretsPatch,
  SecretsDelete,
  SecretsPurge,
  SecretsRestore,
  SecretsWrap,
  SecretsUnwrap,
  SecretsRewrap,
  SecretsRotate,
  SecretsDisable,
  SecretsEnable,
  SecretsListVersions,
  SecretsSetForDeletion,
  SecretsUnsetForDeletion,
  SecretsSync,
  SecretsEventAck,
  SecretsUnknown,  // a malformed key request
  AliasCreate,
  AliasDelete,
  KeyRingsCreate,
  KeyRingsDelete,
  KeyRingsList,
  PoliciesRead,
  PoliciesWrite,
  InstancePoliciesRead,
  InstancePoliciesWrite,
  AllowedIpPortRead,
  ImportTokenCreate,
  ImportTokenRead,  // consumes a retrieval
  RegistrationsList,
  RegistrationsCreate,
  RegistrationsReplace,
  RegistrationsUpdate,
  RegistrationsDelete,
  RegistrationsDeactivate,
  LifecycleEventsList,
  MigrationIntentCreate,
  MigrationIntentRead,
  MigrationIntentDelete,
  MigrationReportRecord,
  TransferRead,  // sealed transfers of keys to another deployment, or from one
  TransferExport,
  TransferImport,
  TransferClose,
  GovernanceRead,
  // Instances and units.
  InstancesCreate,
  InstancesList,
  InstancesRead,
  InstancesUpdate,
  InstancesDelete,
  EndpointsRead,
  TkeRead,
  TkeQuery,
  TkeAdminAdd,
  TkeAdminRemove,
  TkeThresholdSet,
  TkeRegisterAdd,
  TkeRegisterCommit,
  TkeRegisterActivate,
  TkeRegisterClear,  // the new (pending) register
  TkeCurrentRegisterClear,
  TkeImporterGenerate,
  TkeZeroize,
  TkeRandomKey,
  TkeExport,
  TkeControlPointsSet,
  TkeRecordsAccept,  // stored records that were put back
  TkeTransferOffer,
  TkeTransferAuthorize,
  TkeTransferConsent,
  TkeRotationRead,
  TkeRotationStart,  // also resumes and abandons
  TkeTranscriptRead,
  TkeProposalRead,
  TkeProposalCreate,
  TkeProposalSign,
  TkeProposalSend,
  TkeProposalDelete,
  TkeUnknown,
  // Identity and audit.
  TokenCreate,
  KeysetRead,
  IdentityCreate,
  IdentityList,
  IdentityUpdate,  // its link to an OpenID provider
  IdentityDelete,
  ApiKeyCreate,
  ApiKeyList,
  ApiKeyDelete,
  GrantCreate,
  GrantList,
  GrantDelete,
  AuditRead,
  AuditSearch,  // reads records
  AuditVerify,
  AuditCheck,  // lets the server check its own log
  UnitSealingRead,
  UnitSealingChange,
  StoreVerify,
  // Open to everybody.
  HealthRead,
  MetricsRead,
  DocumentRead,
  ConsoleRead,  // files of the console
  ConsoleSessionCreate,
  ConsoleSessionRead,
  ConsoleSessionDelete,
  ConsoleOidcStart,   // leads the browser to the OpenID provider
  ConsoleOidcFinish,  // takes its answer
  PermissionsRead,    // what the caller itself may do
  RouteUnknown,
};
inline constexpr std::size_t kActionCount = static_cast<std::size_t>(Action::RouteUnknown) + 1;

enum class Access : std::uint8_t { Open, AnyCaller, Roles };  // Open: without a token
enum class Severity : std::uint8_t { Normal, Warning, Critical };

struct ActionInfo {
  std::string_view event;  // audit name without the service prefix, e.g. "secrets.wrap"
  Access access;
  RoleSet roles;  // when access is Roles
  Severity severity;
  bool data_plane;       // recorded without fsync before the answer
  bool recorded = true;  // false: a probe of the process, not a call of the service; counted,
                         // leaves no audit record
};

// The table's row; constant time, no allocation.
const ActionInfo& info(Action action) noexcept;

}  // namespace keyhaven::iam
