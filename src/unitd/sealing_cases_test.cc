// What single methods do beyond the table of sealing_test.cc.
#include <fcntl.h>
#include <sys/stat.h>

#include "unitd/sealing_for_tests.h"

namespace keyhaven::unitd {
namespace {

class SealingCasesTest : public SealingFixture {};

TEST_F(SealingCasesTest, NoneKeepsAdministratorsAndNoMasterKeys) {
  unit::TestDeployment deployment;
  const InstanceId instance = unit::test_instance(1);
  deployment.initialise(instance, unit::Administrators(2), unit::random_parts());
  const SecretBytes full = deployment.table().serialize();
  {
    TestSealings sealings(key_file(), means_);
    auto file = StateFile::open({base_ + "/unit", SealingMethod::None, "", 0}, sealings);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE((*file)->save(full));
  }
  auto unit = start(SealingMethod::None);
  ASSERT_TRUE(unit) << unit.error().message;
  EXPECT_EQ(unit->table->attestation_root(), deployment.table().attestation_root());
  const auto before = deployment.table().list_units(instance);
  const auto after = unit->table->list_units(instance);
  ASSERT_TRUE(before && after);
  ASSERT_EQ(before->size(), after->size());
  for (std::size_t i = 0; i < before->size(); ++i) {
    EXPECT_EQ((*before)[i].current, unit::RegisterState::Valid);
    EXPECT_EQ((*after)[i].current, unit::RegisterState::Empty);
    EXPECT_EQ((*after)[i].pending, unit::RegisterState::Empty);
    EXPECT_EQ((*after)[i].administrators, (*before)[i].administrators);
    EXPECT_EQ((*after)[i].signature_threshold, (*before)[i].signature_threshold);
    EXPECT_EQ((*after)[i].id, (*before)[i].id);
  }
}

TEST_F(SealingCasesTest, AnOldCopyIsRefusedByTheTpmAndAcceptedByNumberOnly) {
  Bytes old;
  Bytes newest;
  {
    auto unit = start(SealingMethod::Tpm2);
    ASSERT_TRUE(unit) << unit.error().message;
    old = content(state_path());
    ASSERT_TRUE(unit->table->save());
    newest = content(state_path());
  }
  ASSERT_TRUE(write_file_atomic(state_path(), old, 0600));
  const auto refused = start(SealingMethod::Tpm2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::Conflict);
  EXPECT_NE(refused.error().message.find("unit.accept_state_counter = 1"), std::string::npos)
      << refused.error().message;
  EXPECT_FALSE(start(SealingMethod::Tpm2, 2)) << "another number";
  EXPECT_EQ(content(state_path()), old);
  ASSERT_TRUE(write_file_atomic(state_path(), newest, 0600));
  { ASSERT_TRUE(start(SealingMethod::Tpm2)) << "asking has cost nothing"; }
  ASSERT_TRUE(write_file_atomic(state_path(), old, 0600));
  {
    auto accepted = start(SealingMethod::Tpm2, 1);
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_NE(accepted->file->note().find("was accepted"), std::string::npos);
  }
  { ASSERT_TRUE(start(SealingMethod::Tpm2)) << "it is the newest now"; }
  for (const Bytes& lost : {old, newest}) {
    ASSERT_TRUE(write_file_atomic(state_path(), lost, 0600));
    EXPECT_FALSE(start(SealingMethod::Tpm2));
  }
}

TEST_F(SealingCasesTest, OtherPcrValuesAndAnotherTpmAreSaid) {
  { ASSERT_TRUE(start(SealingMethod::Tpm2)); }
  tpm_->extend_pcr16();
  const auto other_boot = start(SealingMethod::Tpm2);
  ASSERT_FALSE(other_boot);
  EXPECT_EQ(other_boot.error().reason, Reason::DecryptFailed);
  EXPECT_NE(other_boot.error().message.find("PCRs"), std::string::npos)
      << other_boot.error().message;
  tpm_->restart();  // PCR 16 begins anew
  means_.tpm2_tcti = tpm_->tcti();
  { ASSERT_TRUE(start(SealingMethod::Tpm2)); }
  tpm_->replace();
  means_.tpm2_tcti = tpm_->tcti();
  const auto other_tpm = start(SealingMethod::Tpm2);
  ASSERT_FALSE(other_tpm);
  EXPECT_EQ(other_tpm.error().reason, Reason::DecryptFailed);
  EXPECT_NE(other_tpm.error().message.find("another TPM"), std::string::npos);
}

TEST_F(SealingCasesTest, ATpmThatDoesNotAnswerIsTriedAgain) {
  { ASSERT_TRUE(start(SealingMethod::Tpm2)); }
  means_.tpm2_tcti = "swtpm:host=127.0.0.1,port=1";
  const auto refused = start(SealingMethod::Tpm2);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::UnitUnavailable) << refused.error().message;
}

TEST_F(SealingCasesTest, AHelperThatHangsOrHasEndedIsAnErrorAtOnceAfterwards) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  FileDescriptor other(ends[1]);
  SealingHelper helper{FileDescriptor(ends[0]), std::chrono::milliseconds(50)};
  for (int i = 0; i < 2; ++i) {
    const auto refused = helper.create(SealingMethod::Tpm2, "");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::UnitUnavailable);
    EXPECT_NE(refused.error().message.find(i == 0 ? "in time" : "does not answer"),
              std::string::npos)
        << refused.error().message;
  }
}

TEST_F(SealingCasesTest, TheHelperRefusesWhatItDoesNotKnow) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  std::thread server([&] { (void)run_sealing_helper(FileDescriptor(ends[1]), means_); });
  {
    const FileDescriptor client(ends[0]);
    const std::vector<Bytes> requests = {{0},
                                         {99},
                                         {1},
                                         {1, 0, 1, 0, 0, 0, 0},
                                         {2, 0, 2, 0xff, 0xff, 0xff, 0xff},
                                         {4, 0, 0, 0, 9},
                                         {5, 0, 0, 0, 0},
                                         Bytes(5000, 7)};
    for (const Bytes& request : requests) {
      ASSERT_EQ(::write(client.get(), request.data(), request.size()),
                static_cast<ssize_t>(request.size()));
      Bytes answer(8192);
      ASSERT_GT(::read(client.get(), answer.data(), answer.size()), 0);
      EXPECT_EQ(answer[0], 0) << int{request[0]};
    }
  }
  server.join();
}

TEST_F(SealingCasesTest, WhichCredentialsAreRead) {
  const auto reason = [&](const std::string& name) {
    const auto read = means_.credentials.read(name);
    return read ? std::string("ok") : read.error().message;
  };
  EXPECT_EQ(reason("key"), "ok");
  put("large", std::string(kMaxCredentialBytes, 'x'));
  put("too-large", std::string(kMaxCredentialBytes + 1, 'x'));
  put("empty", "");
  EXPECT_EQ(reason("large"), "ok");
  EXPECT_NE(reason("too-large").find("larger than"), std::string::npos);
  EXPECT_NE(reason("empty").find("empty"), std::string::npos);
  EXPECT_NE(reason("absent").find("is not in"), std::string::npos);
  EXPECT_NE(reason("../key").find("not the name"), std::string::npos);
  EXPECT_NE(reason(".hidden").find("not the name"), std::string::npos);
  EXPECT_NE(reason("").find("not the name"), std::string::npos);
  for (const unsigned mode : {0440U, 0404U, 0420U, 0644U}) {
    ASSERT_EQ(::chmod(credential("key").c_str(), mode), 0);
    EXPECT_NE(reason("key").find("closed to others"), std::string::npos) << mode;
  }
  ASSERT_EQ(::chmod(credential("key").c_str(), 0400), 0);
  std::filesystem::create_symlink(credential("key"), credential("link"));
  EXPECT_NE(reason("link"), "ok");
  std::filesystem::create_directory(credential("folder"));
  EXPECT_NE(reason("folder"), "ok");
}

TEST_F(SealingCasesTest, ALineEndBehindAPassphraseIsNotPartOfIt) {
  const auto text = [&](const std::string& written) {
    put("typed", written);
    const auto read = means_.credentials.read_text("typed");
    return read ? std::string(as_text(read->expose())) : read.error().message;
  };
  EXPECT_EQ(text("words"), "words");
  EXPECT_EQ(text("words\n"), "words");
  EXPECT_EQ(text("words\r\n"), "words");
  EXPECT_EQ(text("words\n\n"), "words\n");
  EXPECT_NE(text("\n").find("empty"), std::string::npos);
}

TEST_F(SealingCasesTest, FilesThatTheLauncherOpenedAreReadFromTheirBegin) {
  std::map<std::string, FileDescriptor> opened;
  opened["key"] = FileDescriptor(::open(credential("key").c_str(), O_RDONLY | O_CLOEXEC));
  const Credentials credentials("/nonexistent", std::move(opened));
  for (int i = 0; i < 2; ++i) {
    const auto read = credentials.read("key");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->size(), 40U);
  }
  EXPECT_FALSE(credentials.read("pin"));
}

TEST_F(SealingCasesTest, ATypedPassphraseAndOneInACredentialOpenEachOther) {
  means_.passphrase = SecretBytes::copy_of(std::string_view("correct horse battery staple"));
  {
    auto unit = start();
    ASSERT_TRUE(unit);
    ASSERT_TRUE(change(*unit, SealingMethod::Passphrase, ""));
  }
  { ASSERT_TRUE(start(SealingMethod::Passphrase)) << "typed"; }
  means_.passphrase = SecretBytes();
  means_.configured = SealingMethod::Passphrase;
  EXPECT_FALSE(start(SealingMethod::Passphrase));
  means_.configured_reference = "passphrase";
  {
    auto unit = start(SealingMethod::Passphrase);
    ASSERT_TRUE(unit) << unit.error().message;
    ASSERT_TRUE(change(*unit, SealingMethod::Passphrase, "other-passphrase"));
  }
  means_.configured_reference = "";
  EXPECT_TRUE(start(SealingMethod::Passphrase)) << "by the name in the file";
}

}  // namespace
}  // namespace keyhaven::unitd
