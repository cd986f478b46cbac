#include "iam/action.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "iam/caller.h"

namespace keyhaven::iam {
namespace {

using enum Action;

// The columns: Viewer Operator Editor Administrator | Reader ReaderPlus Writer Manager | KeyPurge.
struct Row {
  std::string_view roles;
  std::vector<Action> actions;
};
const Row kMatrix[] = {
    // key-management-api.md 16 and instances-tke-iam.md 5.2, read side by side.
    {"....|++++|.",
     {SecretsList, SecretsHead, SecretsReadMetadata, SecretsListVersions, SecretsWrap,
      SecretsUnwrap, SecretsRewrap, KeyRingsList, RegistrationsList, SecretsUnknown,
      // Any role; that only services write is checked apart.
      RegistrationsCreate, RegistrationsReplace, RegistrationsUpdate, RegistrationsDelete,
      RegistrationsDeactivate, SecretsEventAck, LifecycleEventsList, MigrationIntentRead,
      TransferRead}},
    {"....|.+++|.", {SecretsRead}},
    {"....|..++|.",
     {SecretsCreate, SecretsRotate, AliasCreate, KeyRingsCreate, SecretsSync, SecretsSetForDeletion,
      SecretsUnsetForDeletion, ImportTokenCreate, ImportTokenRead}},
    {"....|...+|.",
     {SecretsPatch, SecretsDelete, SecretsRestore, SecretsDisable, SecretsEnable, AliasDelete,
      KeyRingsDelete, PoliciesRead, PoliciesWrite, InstancePoliciesRead, InstancePoliciesWrite,
      AllowedIpPortRead, MigrationIntentCreate, MigrationIntentDelete, MigrationReportRecord,
      TransferExport, TransferImport, TransferClose}},
    {"....|....|+", {SecretsPurge}},
    {"....|...+|.",
     {TkeRead,
      TkeQuery,
      TkeAdminAdd,
      TkeAdminRemove,
      TkeThresholdSet,
      TkeRegisterAdd,
      TkeRegisterCommit,
      TkeRegisterActivate,
      TkeRegisterClear,
      TkeCurrentRegisterClear,
      TkeImporterGenerate,
      TkeZeroize,
      TkeUnknown,
      TkeRandomKey,
      TkeExport,
      TkeControlPointsSet,
      TkeRecordsAccept,
      TkeTransferOffer,
      TkeTransferAuthorize,
      TkeTransferConsent,
      TkeRotationRead,
      TkeRotationStart,
      TkeTranscriptRead,
      TkeProposalRead,
      TkeProposalCreate,
      TkeProposalSign,
      TkeProposalSend,
      TkeProposalDelete}},
    // Platform roles.
    {"++++|++++|+", {InstancesRead, EndpointsRead, GovernanceRead}},
    {"..++|....|.", {InstancesCreate, InstancesUpdate, InstancesDelete}},
    {"...+|....|.",
     {IdentityCreate, IdentityList, IdentityDelete, ApiKeyCreate, ApiKeyList, ApiKeyDelete,
      GrantCreate, GrantList, GrantDelete, IdentityUpdate, AuditRead, AuditSearch, AuditVerify,
      AuditCheck, MetricsRead, UnitSealingRead, UnitSealingChange, StoreVerify}},
};

std::string roles_text(RoleSet roles) {
  std::string out;
  for (std::size_t role = 0; role < kRoleCount; ++role) {
    if (role == 4 || role == 8) out += '|';
    out += (roles & bit(static_cast<Role>(role))) != 0 ? '+' : '.';
  }
  return out;
}

TEST(ActionTest, RolesAreThoseOfTheMatrix) {
  std::set<Action> seen;
  for (const Row& row : kMatrix) {
    for (const Action action : row.actions) {
      EXPECT_EQ(info(action).access, Access::Roles) << info(action).event;
      EXPECT_EQ(roles_text(info(action).roles), row.roles) << info(action).event;
      EXPECT_TRUE(seen.insert(action).second) << info(action).event;
    }
  }
  for (std::size_t index = 0; index < kActionCount; ++index) {
    const Action action = static_cast<Action>(index);
    if (seen.contains(action)) continue;
    EXPECT_NE(info(action).access, Access::Roles)
        << info(action).event << " is missing in the matrix";
    EXPECT_EQ(info(action).roles, 0) << info(action).event;
  }
}

TEST(ActionTest, EveryActionHasItsOwnEventName) {
  std::set<std::string_view> names;
  for (std::size_t index = 0; index < kActionCount; ++index) {
    const std::string_view name = info(static_cast<Action>(index)).event;
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_GT(name.find('.'), 0U) << name;
    EXPECT_EQ(name.find('.'), name.rfind('.')) << name;
  }
}

TEST(ActionTest, OnlyTheseActionsAreOpen) {
  const std::set<Action> open = {TokenCreate,      KeysetRead,        HealthRead,
                                 DocumentRead,     ConsoleRead,       ConsoleSessionCreate,
                                 ConsoleOidcStart, ConsoleOidcFinish, RouteUnknown};
  const std::set<Action> any_caller = {InstancesList, ConsoleSessionRead, ConsoleSessionDelete,
                                       PermissionsRead};
  for (std::size_t index = 0; index < kActionCount; ++index) {
    const Action action = static_cast<Action>(index);
    EXPECT_EQ(info(action).access == Access::Open, open.contains(action)) << info(action).event;
    EXPECT_EQ(info(action).access == Access::AnyCaller, any_caller.contains(action))
        << info(action).event;
    EXPECT_EQ(info(action).recorded, action != HealthRead && action != ConsoleRead)
        << info(action).event;
  }
}

TEST(ActionTest, SeveritiesAreTheVendors) {
  for (const Action action :
       {SecretsDelete, TkeAdminAdd, TkeThresholdSet, TkeRegisterAdd, TkeRegisterCommit,
        TkeRegisterActivate, TkeRegisterClear, TkeCurrentRegisterClear, TkeZeroize}) {
    EXPECT_EQ(info(action).severity, Severity::Critical) << info(action).event;
  }
  for (const Action action :
       {SecretsRotate, SecretsRestore, SecretsEnable, SecretsDisable, PoliciesWrite}) {
    EXPECT_EQ(info(action).severity, Severity::Warning) << info(action).event;
  }
  for (const Action action : {SecretsCreate, SecretsWrap, SecretsRead, SecretsList}) {
    EXPECT_EQ(info(action).severity, Severity::Normal) << info(action).event;
  }
}

TEST(ActionTest, WhatChangesSomethingIsRecordedDurably) {
  for (const Action action :
       {SecretsCreate, SecretsDelete, InstancesCreate, TkeZeroize, GrantDelete}) {
    EXPECT_FALSE(info(action).data_plane) << info(action).event;
  }
  for (const Action action :
       {SecretsWrap, SecretsUnwrap, SecretsRewrap, SecretsRead, TokenCreate}) {
    EXPECT_TRUE(info(action).data_plane) << info(action).event;
  }
}

TEST(ActionTest, RoleNamesRoundTripAndMayBeCrns) {
  for (std::size_t index = 0; index < kRoleCount; ++index) {
    const Role role = static_cast<Role>(index);
    EXPECT_EQ(role_of(name_of(role)), role);
    EXPECT_EQ(role_of("crn:v1:bluemix:public:iam::::serviceRole:" + std::string(name_of(role))),
              role);
  }
  EXPECT_EQ(role_of("KeyPurge"), Role::KeyPurge);
  for (const std::string_view wrong : {"", "manager", "crn:", "Manager ", "Owner"})
    EXPECT_EQ(role_of(wrong), std::nullopt);
}

class CallerTest : public testing::Test {
 protected:
  static Caller with(Grant grant, RoleSet roles) {
    grant.roles = roles;
    Caller caller;
    caller.grants = {std::move(grant)};
    return caller;
  }
  const InstanceId here_ = InstanceId::parse("11111111-1111-4111-8111-111111111111").value();
  const InstanceId there_ = InstanceId::parse("22222222-2222-4222-8222-222222222222").value();
  const KeyId key_ = KeyId::parse("33333333-3333-4333-8333-333333333333").value();
  const KeyId other_key_ = KeyId::parse("44444444-4444-4444-8444-444444444444").value();
};

TEST_F(CallerTest, WithoutAGrantNothingButOpenCallsIsAllowed) {
  const Caller caller;
  for (std::size_t index = 0; index < kActionCount; ++index) {
    const Action action = static_cast<Action>(index);
    EXPECT_EQ(caller.may(action, {&here_}), info(action).access != Access::Roles)
        << info(action).event;
  }
}

TEST_F(CallerTest, AnInstanceGrantEndsAtItsInstance) {
  Grant grant;
  grant.instance = here_;
  const Caller caller = with(grant, bit(Role::Manager));
  EXPECT_TRUE(caller.may(SecretsDelete, {&here_}));
  EXPECT_TRUE(caller.may(SecretsDelete, {&here_, "any-ring", &key_}));
  EXPECT_FALSE(caller.may(SecretsDelete, {&there_}));
  EXPECT_FALSE(caller.may(SecretsDelete, {}));
  EXPECT_FALSE(caller.may(SecretsPurge, {&here_, "default", &key_}));
}

TEST_F(CallerTest, ARingGrantDoesNotCoverTheInstanceOrAnotherRing) {
  Grant grant;
  grant.instance = here_;
  grant.key_ring = "finance";
  const Caller caller = with(grant, bit(Role::Reader));
  EXPECT_TRUE(caller.may(SecretsWrap, {&here_, "finance", &key_}));
  EXPECT_TRUE(caller.may(SecretsList, {&here_, "finance"}));
  EXPECT_FALSE(caller.may(SecretsWrap, {&here_, "default", &key_}));
  EXPECT_FALSE(caller.may(SecretsList, {&here_}));
  EXPECT_FALSE(caller.may(SecretsWrap, {&there_, "finance", &key_}));
}

TEST_F(CallerTest, AKeyGrantCoversThatKeyOnly) {
  Grant grant;
  grant.instance = here_;
  grant.key = key_;
  const Caller caller = with(grant, bit(Role::KeyPurge));
  EXPECT_TRUE(caller.may(SecretsPurge, {&here_, "default", &key_}));
  EXPECT_FALSE(caller.may(SecretsPurge, {&here_, "default", &other_key_}));
  EXPECT_FALSE(caller.may(SecretsPurge, {&here_}));
  EXPECT_FALSE(caller.may(SecretsWrap, {&here_, "default", &key_}));
}

TEST_F(CallerTest, RolesOfSeveralGrantsAdd) {
  Caller caller;
  caller.grants = {{"a", "x", bit(Role::Reader), {}, {}, {}},
                   {"b", "x", bit(Role::KeyPurge), here_, {}, {}}};
  EXPECT_EQ(caller.roles_on({&here_}), bit(Role::Reader) | bit(Role::KeyPurge));
  EXPECT_EQ(caller.roles_on({&there_}), bit(Role::Reader));
}

}  // namespace
}  // namespace keyhaven::iam
