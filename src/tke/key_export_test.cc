#include "tke/key_export.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tke/der.h"
#include "tke/document_for_tests.h"
#include "tke/key_part.h"

namespace keyhaven::tke {
namespace {

TEST(KeyExportTest, WorkedExampleOfTheDocument) {
  const DocumentExample example(KH_SOURCE_DIR, "tke.md");
  const auto importer =
      crypto::P521PrivateKey::from_sec1_der(example.bytes("importer-private-key")).value();
  const Bytes request = example.bytes("export-request");
  EXPECT_EQ(to_hex(make_export_request(importer.public_key())), to_hex(request));
  EXPECT_EQ(parse_export_request(request)->point(), importer.public_key().point());
  const Bytes answer = example.bytes("export-answer");
  EXPECT_EQ(to_hex(make_export_answer(example.bytes("recipient-info"))), to_hex(answer));
  const Bytes sealed = parse_export_answer(answer).value();
  EXPECT_EQ(pattern_text(verification_pattern(open_key_part(sealed, importer).value())),
            to_hex(example.bytes("part-hash")));
}

TEST(KeyExportTest, ParametersRoundTripInTheirOrder) {
  const std::vector<Parameter> parameters = {
      {0x1C, 1, {}}, {0x1D, 0, Bytes(309, 7)}, {0x1D, 1, {1}}, {0xFFFF, 0xFFFFFFFF, Bytes(200, 1)}};
  EXPECT_EQ(parse_parameters(encode_parameters(parameters)).value(), parameters);
  EXPECT_TRUE(parse_parameters(encode_parameters({}))->empty());
}

TEST(KeyExportTest, MapsHaveLimits) {
  std::vector<Parameter> many;
  for (std::uint16_t i = 0; i < kMaxParameters; ++i) many.push_back({i, 0, {}});
  EXPECT_TRUE(parse_parameters(encode_parameters(many)).has_value());
  many.push_back({kMaxParameters, 0, {}});
  EXPECT_FALSE(parse_parameters(encode_parameters(many)).has_value());
  EXPECT_TRUE(
      parse_parameters(encode_parameters({{1, 1, Bytes(kMaxParameterBytes - 6)}})).has_value());
  EXPECT_FALSE(
      parse_parameters(encode_parameters({{1, 1, Bytes(kMaxParameterBytes - 5)}})).has_value());
  EXPECT_FALSE(parse_parameters(encode_parameters({{1, 1, {}}, {1, 1, {5}}})).has_value());
}

TEST(KeyExportTest, AnAnswerHoldsOneKey) {
  EXPECT_FALSE(parse_export_answer(encode_parameters({})).has_value());
  EXPECT_FALSE(parse_export_answer(encode_parameters({{0x19, 1, {}}})).has_value());
  // What else a unit adds is skipped: real ones may send a signature over the key.
  EXPECT_EQ(parse_export_answer(encode_parameters({{0x1A, 0, {2}}, {0x19, 0, {1}}})).value(),
            Bytes{1});
}

RC_GTEST_PROP(KeyExportTest, ReadersAreTotalAndCanonical, (const Bytes& bytes)) {
  const auto wrapped = der::element(der::kSequence, bytes);
  for (const Bytes& input : {bytes, wrapped}) {
    const auto parameters = parse_parameters(input);
    if (parameters) RC_ASSERT(encode_parameters(*parameters) == input);
    RC_ASSERT(!parse_key_part_holder(input).has_value());
    RC_ASSERT(!parse_export_request(input).has_value());
  }
}

}  // namespace
}  // namespace keyhaven::tke
