#include "migrate/output.h"

#include "migrate/service_for_tests.h"

namespace keyhaven::migrate {
namespace {

using testing::content_of;
using testing::TemporaryDirectory;
using Lines = std::vector<std::string>;

TEST(StreamDigest, DependsOnTheBytesAndNotOnHowTheyCame) {
  const std::string text(200'000, 'x');
  StreamDigest whole, parts;
  whole.update(text);
  for (std::size_t at = 0; at < text.size(); at += 777) parts.update(text.substr(at, 777));
  EXPECT_EQ(whole.hex(), parts.hex());
  EXPECT_EQ(whole.hex(), whole.hex());
  parts.update("y");
  EXPECT_NE(whole.hex(), parts.hex());
  StreamDigest shorter;
  shorter.update(text.substr(1));
  EXPECT_NE(whole.hex(), shorter.hex());
}

class Resumed : public ::testing::Test {
 protected:
  // What a run leaves that marks after `first` and dies after `more`.
  OutputMark interrupted(const std::string& first, const std::string& more) {
    auto out = AtomicOutput::create(path);
    EXPECT_TRUE(out && out->write(first));
    auto mark = out->mark();
    EXPECT_TRUE(mark && out->write(more));
    EXPECT_TRUE(out->mark());  // what came after the mark is in the file, too
    return *mark;
  }
  TemporaryDirectory directory;
  std::string path = directory / "out";
};

TEST_F(Resumed, GoesOnAtTheMarkAndForgetsTheRest) {
  const std::string first(100'000, 'a');
  const OutputMark mark = interrupted(first, "lost");
  EXPECT_EQ(directory.entries(), (Lines{"out.partial"}));
  auto out = AtomicOutput::resume(path, mark);
  ASSERT_TRUE(out && *out);
  ASSERT_TRUE((*out)->write("b"));
  const auto again = (*out)->mark();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->bytes, 100'001U);
  ASSERT_TRUE((*out)->finish());
  EXPECT_EQ(content_of(path), first + "b");
  EXPECT_EQ(directory.entries(), (Lines{"out"}));
}

TEST_F(Resumed, RefusesWhatIsNotAsItWasMarked) {
  const OutputMark mark = interrupted("0123456789", "");
  const auto refuses = [&](const OutputMark& with) {
    auto out = AtomicOutput::resume(path, with);
    return out && !*out;
  };
  EXPECT_TRUE(refuses({mark.bytes - 1, mark.digest}));
  EXPECT_TRUE(refuses({mark.bytes + 1, mark.digest}));  // the file is shorter
  directory.write("out.partial", "0123456780");
  EXPECT_TRUE(refuses(mark));
  std::filesystem::remove(directory / "out.partial");
  EXPECT_TRUE(refuses(mark));
}

TEST_F(Resumed, TwoProcessesDoNotWriteOneFile) {
  auto first = AtomicOutput::create(path);
  ASSERT_TRUE(first && first->write("mine") && first->mark());
  EXPECT_EQ(AtomicOutput::create(path).error().reason, Reason::AlreadyExists);
  EXPECT_EQ(content_of(path + ".partial"), "mine");
  ASSERT_TRUE(first->finish());
}

}  // namespace
}  // namespace keyhaven::migrate
