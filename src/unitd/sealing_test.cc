// Every method against everything that happens to it.
#include "unitd/sealing_for_tests.h"

namespace keyhaven::unitd {
namespace {

class SealingTest : public SealingFixture, public ::testing::WithParamInterface<SealingMethod> {
 protected:
  // Puts another secret in the place of the right one.
  void spoil() {
    switch (GetParam()) {
      case SealingMethod::Passphrase:
        return put("passphrase", "a wrong passphrase");
      case SealingMethod::SystemdCredential:
        return put("key", std::string(40, 'x'));
      case SealingMethod::Pkcs11:
        return put("pin", "000000");
      case SealingMethod::Tpm2:
        return put("tpm-auth", "a wrong value");
      case SealingMethod::KeyFile:
      case SealingMethod::None:
        ASSERT_TRUE(write_file_atomic(key_file(), Bytes(32, 7), 0600));
        return;
    }
  }
  void remove() { std::filesystem::rename(secret(), base_ + "/removed"); }
  void put_back() {
    std::filesystem::remove(secret());
    std::filesystem::rename(base_ + "/removed", secret());
  }
  std::string secret() const {
    switch (GetParam()) {
      case SealingMethod::Passphrase:
        return credential("passphrase");
      case SealingMethod::SystemdCredential:
        return credential("key");
      case SealingMethod::Pkcs11:
        return credential("pin");
      case SealingMethod::Tpm2:
        return credential("tpm-auth");
      case SealingMethod::KeyFile:
      case SealingMethod::None:
        return key_file();
    }
    return {};
  }
};

TEST_P(SealingTest, FirstStartAndRestart) {
  Bytes root;
  {
    auto unit = start(GetParam());
    ASSERT_TRUE(unit) << unit.error().message;
    root = unit->table->attestation_root();
    const unit::SealingStatus status = unit->file->status();
    EXPECT_EQ(status.method, GetParam());
    EXPECT_EQ(status.saves, 1U);
    EXPECT_EQ(status.detects_old_state, GetParam() == SealingMethod::Tpm2);
    ASSERT_TRUE(unit->table->save());
  }
  auto unit = start(GetParam());
  ASSERT_TRUE(unit) << unit.error().message;
  EXPECT_EQ(unit->table->attestation_root(), root);
  EXPECT_EQ(unit->file->status().saves, 2U);
  EXPECT_EQ(unit->file->note(), "");
}

TEST_P(SealingTest, AWrongSecretIsSaidAndDestroysNothing) {
  { ASSERT_TRUE(start(GetParam())); }
  const Bytes before = content(state_path());
  const Bytes good = content(secret());
  spoil();
  for (int i = 0; i < 3; ++i) {  // a launcher tries again and again: no token or TPM may lock
    const auto refused = start(GetParam());
    ASSERT_FALSE(refused);
    const bool is_person = GetParam() == SealingMethod::Pkcs11 || GetParam() == SealingMethod::Tpm2;
    EXPECT_EQ(refused.error().reason, is_person ? Reason::InvalidArgument : Reason::DecryptFailed)
        << refused.error().message;
    if (is_person && i > 0) {
      EXPECT_NE(refused.error().message.find("not tried again"), std::string::npos);
    }
    EXPECT_EQ(content(state_path()), before);
  }
  ASSERT_TRUE(write_file_atomic(secret(), good, 0400));
  const auto again = start(GetParam());
  EXPECT_TRUE(again) << again.error().message;
}

TEST_P(SealingTest, AMissingSecretIsSaidAndDestroysNothing) {
  { ASSERT_TRUE(start(GetParam())); }
  const Bytes before = content(state_path());
  remove();
  const auto refused = start(GetParam());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::InvalidArgument) << refused.error().message;
  EXPECT_EQ(content(state_path()), before);
  EXPECT_FALSE(std::filesystem::exists(secret())) << "none is made in its place";
  put_back();
  EXPECT_TRUE(start(GetParam()));
}

TEST_P(SealingTest, ADamagedFileIsToldFromAWrongSecret) {
  { ASSERT_TRUE(start(GetParam())); }
  const Bytes good = content(state_path());
  for (std::size_t at = 8; at < good.size(); at += good.size() / 9) {
    Bytes damaged = good;
    damaged[at] ^= 1;
    ASSERT_TRUE(write_file_atomic(state_path(), damaged, 0600));
    const auto refused = start(GetParam());
    ASSERT_FALSE(refused) << at;
    EXPECT_NE(refused.error().message.find("damaged"), std::string::npos)
        << refused.error().message;
  }
  ASSERT_TRUE(write_file_atomic(state_path(), ByteView(good).first(good.size() / 2), 0600));
  EXPECT_FALSE(start(GetParam()));
  ASSERT_TRUE(write_file_atomic(state_path(), good, 0600));
  const auto again = start(GetParam());
  EXPECT_TRUE(again) << again.error().message;
}

TEST_P(SealingTest, ChangesToEveryOtherMethod) {
  for (const SealingMethod to : kAllMethods) {
    std::filesystem::remove_all(base_ + "/unit");
    Bytes root;
    Bytes old_file;
    {
      auto unit = start(GetParam());
      ASSERT_TRUE(unit) << unit.error().message;
      root = unit->table->attestation_root();
      old_file = content(state_path());
      const auto changed = change(*unit, to, reference_of(to));
      ASSERT_TRUE(changed) << name_of(to) << ": " << changed.error().message;
      EXPECT_EQ(changed->method, to);
      EXPECT_EQ(changed->saves, 2U);
      ASSERT_TRUE(unit->table->save()) << "later saves go on";
    }
    {
      auto unit = start(GetParam());
      ASSERT_TRUE(unit) << name_of(to) << ": " << unit.error().message;
      EXPECT_EQ(unit->table->attestation_root(), root);
      EXPECT_EQ(unit->file->status().method, to);
      EXPECT_EQ(unit->file->note().empty(), to == GetParam());
    }
    const bool has_key_file = to == SealingMethod::KeyFile || to == SealingMethod::None;
    EXPECT_EQ(std::filesystem::exists(key_file()), has_key_file) << name_of(to);
    EXPECT_FALSE(std::filesystem::exists(key_file() + ".next"));
    if (GetParam() != SealingMethod::Tpm2) continue;
    ASSERT_TRUE(write_file_atomic(state_path(), old_file, 0600));
    EXPECT_FALSE(start(GetParam())) << "its counter is gone";
  }
}

TEST_P(SealingTest, AChangeThatIsRefusedChangesNothing) {
  struct Case {
    SealingMethod to;
    std::string reference;
  };
  put("short", "7 bytes");
  put("empty", "");
  put("wrong-pin", "000000");
  const Case cases[] = {
      {SealingMethod::KeyFile, "elsewhere"},
      {SealingMethod::Passphrase, "absent"},
      {SealingMethod::Passphrase, "short"},
      {SealingMethod::Passphrase, "../key"},
      {SealingMethod::Passphrase, ""},
      {SealingMethod::SystemdCredential, "short"},
      {SealingMethod::SystemdCredential, "empty"},
      {SealingMethod::SystemdCredential, ""},
      {SealingMethod::SystemdCredential, std::string(300, 'n')},
      {SealingMethod::Pkcs11, ""},
      {SealingMethod::Pkcs11, "token=seals"},
      {SealingMethod::Pkcs11, "token=other;pin=pin"},
      {SealingMethod::Pkcs11, "token=seals;pin=wrong-pin"},
      {SealingMethod::Pkcs11, "token=seals;pin=pin;pin=pin"},
      {SealingMethod::Tpm2, "pcrs=24"},
      {SealingMethod::Tpm2, "pcrs=a"},
      {SealingMethod::Tpm2, "auth=absent"},
      {SealingMethod::Tpm2, "auth=../x"},
      {SealingMethod::Tpm2, "colour=red"},
  };
  auto unit = start(GetParam());
  ASSERT_TRUE(unit) << unit.error().message;
  const Bytes before = content(state_path());
  for (const Case& each : cases) {
    const auto refused = change(*unit, each.to, each.reference);
    ASSERT_FALSE(refused) << name_of(each.to) << " " << each.reference;
    EXPECT_FALSE(refused.error().message.empty());
    EXPECT_EQ(content(state_path()), before);
    EXPECT_EQ(unit->file->status().method, GetParam());
  }
  EXPECT_TRUE(unit->table->save());
}

INSTANTIATE_TEST_SUITE_P(EveryMethod, SealingTest, ::testing::ValuesIn(kAllMethods),
                         [](const auto& each) { return case_name(each.param); });

}  // namespace
}  // namespace keyhaven::unitd
