#include "tke/block_text.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/hash.h"
#include "tke/certificate.h"
#include "tke/control_points.h"
#include "tke/key_export.h"
#include "tke/key_part.h"

namespace keyhaven::tke {
namespace {

using crypto::P521PrivateKey;

AdminBlock block_of(std::uint32_t command, Bytes input) {
  AdminBlock block;
  block.command = command;
  block.domain_index = 3;
  block.domain_instance = 7;
  block.module_id = to_bytes(as_bytes("KH000001"));
  append(block.module_id, Bytes{0, 0, 0, 0, 0, 0, 0, 9});
  block.counter = Bytes(kCounterSize, 0);
  block.counter.back() = 42;
  block.input = std::move(input);
  return block;
}

BlockText text_of(std::uint32_t command, Bytes input) {
  return describe_block(encode(block_of(command, std::move(input)))).value();
}

std::string joined(const std::vector<BlockLine>& lines) {
  std::string out;
  for (const BlockLine& line : lines) out += line.name + "=" + line.value + '\n';
  return out;
}

Bytes filled(std::size_t size, std::uint8_t value) { return Bytes(size, value); }

Bytes pairs(std::initializer_list<std::pair<std::uint8_t, std::uint32_t>> list) {
  Bytes out;
  for (const auto& [index, value] : list) {
    append(out, Bytes{0, 0, 0, index});
    for (int shift = 24; shift >= 0; shift -= 8)
      out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  return out;
}

TEST(BlockTextTest, WhomAndWhenItIsFor) {
  const BlockText text = text_of(kZeroize, {});
  EXPECT_EQ(text.command, "zeroize");
  EXPECT_TRUE(text.about.empty());
  EXPECT_EQ(joined(text.frame),
            "domain=3, instance 7\n"
            "module=serial number KH000001, module instance 0000000000000009\n"
            "counter=0000000000000000000000000000002a\n");
}

// Commands whose input is a value or nothing.
TEST(BlockTextTest, EachCommandInWords) {
  const std::string ones(64, '1');
  const struct {
    std::uint32_t command;
    Bytes input;
    std::string about;
  } rows[] = {
      {kClearPending, {}, ""},
      {kClearCurrent, {}, ""},
      {kCreateRandomKey, {}, ""},
      {kRemoveAdministrator, filled(32, 0x11), "administrator removed=" + ones + "\n"},
      {kCommitPending, filled(32, 0x11), "verification pattern=" + ones + "\n"},
      {kFinalizePending, filled(32, 0x11), "verification pattern=" + ones + "\n"},
      {kAcceptRecords, filled(32, 0x11), "accepted difference=" + ones + "\n"},
      {kGenerateImporter, {0, 0, 0, 3}, "importer key=P-521\n"},
      {kSetAttributes, pairs({{1, 2}, {2, 3}}), "signature threshold=2\nrevocation threshold=3\n"},
      {kSetAttributes, pairs({{3, 0x2041}}),
       "permissions=00002041: import of key parts, zeroize with one signature, do not disturb\n"},
      {kSetAttributes, pairs({{9, 5}}), "attribute 9, which units ignore=00000005\n"},
      {kEnableControlPoints, Bytes(16, 0), "control points switched on=none\n"},
  };
  for (const auto& row : rows) {
    const BlockText text = text_of(row.command, row.input);
    EXPECT_EQ(joined(text.about), row.about) << text.command;
    EXPECT_TRUE(text.understood) << text.command;
  }
}

TEST(BlockTextTest, AdministratorsByNameAndIdentifier) {
  const LocalSigner signer(P521PrivateKey::generate());
  const Bytes certificate = make_administrator_certificate("Alice", signer).value();
  const std::string of_certificate =
      "subject key identifier=" + to_hex(signer.ski()) +
      "\nkind of key=P-521\ncertificate=" + std::to_string(certificate.size()) +
      " bytes, SHA-256 " + to_hex(crypto::sha256(certificate)) + '\n';
  EXPECT_EQ(joined(text_of(kAddAdministrator, certificate).about),
            "administrator added=Alice\n" + of_certificate);
  Bytes replacement = filled(32, 0x22);
  append(replacement, certificate);
  EXPECT_EQ(joined(text_of(kReplaceAdministrator, replacement).about),
            "administrator removed=" + std::string(64, '2') +
                "\nadministrator put in the place=Alice\n" + of_certificate);
}

TEST(BlockTextTest, NamesThatLookAlikeAreToldApart) {
  EXPECT_EQ(shown_text("Alice"), "Alice");
  EXPECT_EQ(shown_text("Zo\xC3\xAB"), "\"Zo??\" (not plain ASCII; bytes 5a6fc3ab)");
  EXPECT_EQ(shown_text("a\x1B[2J"), "\"a?[2J\" (not plain ASCII; bytes 611b5b324a)");
}

TEST(BlockTextTest, ControlPointsByName) {
  ControlPoints points = control_point_mask(kControlPointBitcoin);
  points[15] |= 1;  // bit 127
  const BlockText text = text_of(kDisableControlPoints, Bytes(points.begin(), points.end()));
  EXPECT_EQ(joined(text.about),
            "control points switched off=XCP_CPB_BTC (bitcoin: BIP-32 and SLIP-10 key derivation), "
            "bit 127 without a name\n");
}

TEST(BlockTextTest, WhoseKeyAnExportIsEncryptedTo) {
  const auto importer = P521PrivateKey::generate().public_key();
  const BlockText text = text_of(kExportCurrentKey, make_export_request(importer));
  EXPECT_EQ(joined(text.about),
            "encrypted to importer key=" + to_hex(ski_of(importer.point())) + '\n');
}

TEST(BlockTextTest, KeyPartsOfAnImportWithTheirSigners) {
  const LocalSigner signer(P521PrivateKey::generate());
  AdminBlock envelope = block_of(kImportKeyParts, {});
  AdminBlock inner = envelope;
  inner.input = Bytes(kRecipientInfoSize, 5);
  AdminRequest part{3, encode(inner), {}};
  part.signer_infos = sign_block(part.block, {&signer}).value();
  envelope.input = encode(part);
  BlockText text = describe_block(encode(envelope)).value();
  EXPECT_TRUE(text.understood);
  ASSERT_EQ(text.about.size(), 1U);
  EXPECT_NE(text.about[0].value.find("signed by " + to_hex(signer.ski())), std::string::npos);
  // A part for another time is no part of this import.
  inner.counter.back() = 43;
  part.block = encode(inner);
  envelope.input = encode(part);
  text = describe_block(encode(envelope)).value();
  EXPECT_FALSE(text.understood);
  EXPECT_NE(text.about[0].value.find(to_hex(encode(part))), std::string::npos);
}

// What cannot be decoded is there in full, and says so.
TEST(BlockTextTest, WhatIsMalformedIsShownInHexadecimal) {
  const LocalSigner signer(P521PrivateKey::generate());
  Bytes cut = make_administrator_certificate("Alice", signer).value();
  cut.pop_back();
  const struct {
    std::uint32_t command;
    Bytes input;
  } rows[] = {
      {kAddAdministrator, cut},
      {kAddAdministrator, {}},
      {kRemoveAdministrator, filled(31, 1)},
      {kRemoveAdministrator, filled(33, 1)},
      {kReplaceAdministrator, filled(32, 1)},
      {kSetAttributes, {}},
      {kSetAttributes, filled(9, 1)},
      {kSetAttributes, pairs({{1, 2}, {1, 3}})},
      {kSetAttributes, pairs({{11, 2}})},
      {kGenerateImporter, {0, 0, 0, 7}},
      {kGenerateImporter, {3}},
      {kExportPendingKey, filled(20, 1)},
      {kImportKeyParts, filled(20, 1)},
      {kCommitPending, filled(31, 1)},
      {kFinalizePending, {}},
      {kEnableControlPoints, filled(15, 1)},
      {kZeroize, {1}},
      {kClearPending, {1}},
      {kAcceptRecords, filled(33, 1)},
      {0x00004B77, {1, 2, 3}},
      {kQueryAttributes, {1}},
  };
  for (const auto& row : rows) {
    const BlockText text = text_of(row.command, row.input);
    EXPECT_FALSE(text.understood) << text.command;
    const bool whole = std::ranges::any_of(text.about, [&](const BlockLine& line) {
      return line.name == "NOT DECODED" && line.value.find(to_hex(row.input)) != std::string::npos;
    });
    EXPECT_TRUE(whole) << text.command << '\n' << joined(text.about);
  }
  EXPECT_EQ(text_of(0x00004B77, {1}).command, "unknown command 00004B77");
}

TEST(BlockTextTest, BytesThatAreNoBlock) {
  const Bytes good = encode(block_of(kZeroize, {}));
  Bytes longer = good;
  longer.push_back(0);
  Bytes shorter = good;
  shorter.pop_back();
  for (const Bytes& der : {Bytes{}, Bytes{0x30, 0x00}, longer, shorter, to_bytes(as_bytes("text"))})
    EXPECT_FALSE(describe_block(der).has_value()) << to_hex(der);
  EXPECT_EQ(describe_block(Bytes(kMaxBlockBytes + 1, 0)).error().reason, Reason::TooLarge);
}

// Every truncation and every flipped bit: never taken for the block that it was.
TEST(BlockTextTest, AChangedByteChangesTheText) {
  const Bytes good = encode(block_of(kCommitPending, filled(32, 0x11)));
  const BlockText before = describe_block(good).value();
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes changed = good;
    changed[at] ^= 1;
    const auto text = describe_block(changed);
    if (!text) continue;
    EXPECT_NE(text->command + joined(text->about) + joined(text->frame),
              before.command + joined(before.about) + joined(before.frame))
        << at;
  }
}

}  // namespace
}  // namespace keyhaven::tke
