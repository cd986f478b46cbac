#include "migrate/material.h"

#include <sys/stat.h>

#include "migrate/service_for_tests.h"

namespace keyhaven::migrate {
namespace {

using testing::TemporaryDirectory;

const std::string k16 = to_base64(Bytes(16, 1));
const std::string k24 = to_base64(Bytes(24, 2));
const std::string k32 = to_base64(Bytes(32, 3));

Bytes exposed(const SecretBytes& secret) { return to_bytes(secret.expose()); }

TEST(Material, LoadsVersionsOldestFirst) {
  TemporaryDirectory directory;
  const auto material = Material::load_csv(directory.write(
      "m.csv", "\xEF\xBB\xBFid,payload\r\na," + k16 + "\r\n\r\n\"b\",\"" + k24 + "\"\r\na," + k32));
  ASSERT_TRUE(material) << material.error().message;
  EXPECT_EQ(material->names(), (std::vector<std::string>{"a", "b"}));
  const auto a = material->find({"x", "a"});
  ASSERT_TRUE(a && *a);
  ASSERT_EQ((*a)->size(), 2U);
  EXPECT_EQ(exposed((**a)[0]), Bytes(16, 1));
  EXPECT_EQ(exposed((**a)[1]), Bytes(32, 3));
  EXPECT_EQ(*material->find({"x", "y"}), nullptr);
  EXPECT_FALSE(material->empty());
}

TEST(Material, OneKeyUnderTwoNamesIsRefused) {
  TemporaryDirectory directory;
  const auto material =
      Material::load_csv(directory.write("m.csv", "id,payload\nid1," + k16 + "\nalias1," + k32));
  ASSERT_TRUE(material);
  EXPECT_EQ(material->find({"id1", "alias1"}).error().reason, Reason::InvalidArgument);
  EXPECT_NE(*material->find({"id1", "id1"}), nullptr);
}

TEST(Material, BadRowsAreNamedByLineAndNeverShown) {
  TemporaryDirectory directory;
  const std::string other = to_base64(Bytes(20, 9));
  const std::pair<std::string, std::string> cases[] = {
      {"", "is empty; its first line must be id,payload"},
      {"a," + k16 + "\n", ":1: the header must be id,payload"},
      {"\n\na," + k16 + "\n", ":3: the header must be id,payload"},
      {"id\n", ":1: the header must be id,payload"},
      {"id,payload\n" + k16 + "\n", ":2: a row is id,payload"},
      {"id,payload\n\na,!" + k16 + "\n", ":3: the payload is not base64"},
      {"id,payload\na," + k16 + " x\n", ":2: the payload is not base64"},
      {"id,payload\n," + k16 + "\n", ":2: the id is empty"},
      {"id,payload\na,\n", ":2: the material has 0 bytes; a root key has 16, 24 or 32"},
      {"id,payload\na," + other + "\n", ":2: the material has 20 bytes"},
  };
  for (const auto& [text, message] : cases) {
    const auto material = Material::load_csv(directory.write("m.csv", text));
    ASSERT_FALSE(material) << text;
    EXPECT_NE(material.error().message.find(message), std::string::npos)
        << material.error().message;
    EXPECT_EQ(material.error().message.find(k16), std::string::npos);
    EXPECT_EQ(material.error().message.find(other), std::string::npos);
  }
}

TEST(Material, FilesThatOthersCanReadAreRefused) {
  TemporaryDirectory directory;
  for (const unsigned mode : {0640U, 0604U, 0620U, 0602U, 0644U}) {
    const std::string path = directory.write("m.csv", "id,payload\na," + k16 + "\n", 0600);
    std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
    const auto refused = Material::load_csv(path);
    ASSERT_FALSE(refused) << std::oct << mode;
    EXPECT_NE(refused.error().message.find("chmod 600"), std::string::npos);
    Material material;
    EXPECT_FALSE(material.add_file("a", path));
  }
  const std::string path = directory.write("m.csv", "id,payload\na," + k16 + "\n", 0600);
  std::filesystem::permissions(path, std::filesystem::perms::owner_read);
  EXPECT_TRUE(Material::load_csv(path));
  // A link leads to the file whose mode counts.
  const std::string open = directory.write("open.csv", "id,payload\na," + k16 + "\n", 0600);
  std::filesystem::permissions(open, static_cast<std::filesystem::perms>(0644));
  std::filesystem::create_symlink(open, directory / "link.csv");
  EXPECT_FALSE(Material::load_csv(directory / "link.csv"));
}

TEST(Material, OnlyRegularFilesOfSensibleSize) {
  TemporaryDirectory directory;
  EXPECT_EQ(Material::load_csv(directory / "none").error().reason, Reason::Io);
  ASSERT_EQ(::mkfifo((directory / "pipe").c_str(), 0600), 0);
  EXPECT_NE(Material::load_csv(directory / "pipe").error().message.find("not a regular file"),
            std::string::npos);
  EXPECT_FALSE(Material::load_csv(directory / ""));
  const std::string large = directory.write("large", "");
  std::filesystem::resize_file(large, 4 * 1024 * 1024 + 1);
  EXPECT_EQ(Material::load_csv(large).error().reason, Reason::TooLarge);
}

TEST(Material, RawFilesAreVersionsToo) {
  TemporaryDirectory directory;
  Material material;
  EXPECT_TRUE(material.add_file("a", directory.write("v1", std::string(32, 'x'))));
  EXPECT_TRUE(material.add_file("a", directory.write("v2", std::string(16, 'y'))));
  EXPECT_EQ((*material.find({"a"}))->size(), 2U);
  for (const std::size_t size : {0U, 1U, 15U, 31U, 33U, 64U}) {
    const auto refused = material.add_file("a", directory.write("v3", std::string(size, 'z')));
    ASSERT_FALSE(refused) << size;
    EXPECT_EQ(refused.error().reason, Reason::InvalidArgument);
  }
}

}  // namespace
}  // namespace keyhaven::migrate
